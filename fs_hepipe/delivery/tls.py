"""
TLS 1.2 or newer, by the standard library: the context of a connection, and what its errors mean.
"""

from __future__ import annotations

import ssl
import time
from typing import Any, Optional

from fs_hepipe.delivery.address import Address


def context(address: Address) -> ssl.SSLContext:
    """
    What a connection to this address is made with. Made anew for each, so that renewed files are used. Reads files.

    Raises:
        OSError: a file can't be read; the text names it.
    """
    options = address.tls
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks certificate and name
    found.minimum_version = ssl.TLSVersion.TLSv1_2
    if not options.verify:
        found.check_hostname = False
        found.verify_mode = ssl.CERT_NONE
    elif options.ca:
        _reading(options.ca, "ca", lambda: found.load_verify_locations(options.ca))
    else:
        found.load_default_certs()
    if options.cert:
        key = options.key or options.cert
        # with a password, so that OpenSSL does not ask for one on the terminal
        _reading(f"{options.cert}, {key}", "cert, key", lambda: found.load_cert_chain(options.cert, key, password=""))
    return found


def _reading(files: str, option: str, read: Any) -> None:
    try:
        read()
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
        raise OSError(f"{option}: {files}: {reason}") from error


def meaning(error: ssl.SSLError) -> str:
    """What an error of TLS means, for an operator."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    reason = error.reason or str(error)
    for word, text in MEANINGS.items():
        if word in reason:
            return f"{text} ({reason})"
    return f"TLS failed: {reason}"


MEANINGS = {
    "WRONG_VERSION_NUMBER": "it does not speak TLS there",
    "PACKET_LENGTH_TOO_LONG": "it does not speak TLS there",
    "RECORD_LAYER_FAILURE": "it does not speak TLS there",
    "UNSUPPORTED_PROTOCOL": "it speaks no TLS 1.2 or newer",
    "PROTOCOL_VERSION": "it speaks no TLS 1.2 or newer",
    "CERTIFICATE_REQUIRED": "it wants a certificate of ours: set cert and key",
    "UNKNOWN_CA": "it does not accept our certificate",
    "BAD_CERTIFICATE": "it does not accept our certificate",
    "CERTIFICATE_UNKNOWN": "it does not accept our certificate",
    "CERTIFICATE_EXPIRED": "it does not accept our certificate",
    "HANDSHAKE_FAILURE": "it refuses the handshake: it may want a certificate of ours",
    "UNRECOGNIZED_NAME": "it does not know the name that is asked for",
}


def described(certificate: Optional[dict[str, Any]]) -> str:
    """Whose certificate this is, and until when."""
    if not certificate:
        return "a certificate that is not checked"
    names = dict(pair for part in certificate.get("subject", ()) for pair in part)
    alternatives = [name for _, name in certificate.get("subjectAltName", ())]
    subject = names.get("commonName") or ", ".join(alternatives) or "nobody"
    expires = time.strftime("%Y-%m-%d", time.gmtime(ssl.cert_time_to_seconds(certificate["notAfter"])))
    return f"the certificate of {subject}, valid until {expires}"

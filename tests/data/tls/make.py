#!/usr/bin/env python3
"""
tests/data/tls/make.py: makes the certificates beside it (pip install trustme). They are for tests alone, and each file
with a certificate has its key too: a key that everybody has protects nothing.
"""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import trustme

HERE = Path(__file__).parent
LATE = datetime(2124, 1, 1, tzinfo=timezone.utc)
EARLY = datetime(2001, 1, 1, tzinfo=timezone.utc)
NAMES = ("homer.example", "localhost", "127.0.0.1", "::1", "10.7.0.2", "10.8.0.1", "10.9.0.1")


def write(name: str, certificate: trustme.LeafCert) -> None:
    """A certificate and its key, in one file."""
    blobs = [certificate.private_key_pem, *certificate.cert_chain_pems]
    (HERE / f"{name}.pem").write_bytes(b"".join(blob.bytes() for blob in blobs))


ours, another = trustme.CA(organization_name="Tests"), trustme.CA(organization_name="Others")
ours.cert_pem.write_to_path(str(HERE / "ca.pem"))
write("homer", ours.issue_cert(*NAMES, common_name="homer.example", not_after=LATE))
write("expired", ours.issue_cert(*NAMES, common_name="homer.example", not_before=EARLY, not_after=EARLY.replace(2002)))
write("other_name", ours.issue_cert("other.example", common_name="other.example", not_after=LATE))
write("other_ca", another.issue_cert(*NAMES, common_name="homer.example", not_after=LATE))
write("client", ours.issue_cert("switch.example", common_name="switch.example", not_after=LATE))

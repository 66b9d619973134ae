"""What of the log must not leave: each line as the C code writes it."""

from __future__ import annotations

import pytest

from fs_hepipe.words.log_text import log_text_without_secrets
from fs_hepipe.words.secret import NOT_SENT

SHOWN_AND_MASKED = [
    ("RECV DTMF 1:2080", f"RECV DTMF {NOT_SENT}"),
    ("RTP RECV DTMF #:800", f"RTP RECV DTMF {NOT_SENT}"),
    (
        "sofia/x Queue dtmf\ndigit=1 ms=100 samples=800",
        f"sofia/x Queue dtmf\ndigit={NOT_SENT} ms={NOT_SENT} samples={NOT_SENT}",
    ),
    ("sofia/x SHORT DTMF DIGIT [*] LEN [20]", f"sofia/x SHORT DTMF DIGIT [{NOT_SENT}] LEN [{NOT_SENT}]"),
    ("Early Queuing digit 4:100", f"Early Queuing digit {NOT_SENT}"),
    ("INFO DTMF(5)", f"INFO DTMF({NOT_SENT})"),
    ("DTMF DETECTED: [A][100]", f"DTMF DETECTED: [{NOT_SENT}][{NOT_SENT}]"),
    ("(sofia/x) ACCEPT TERMINATOR #", f"(sofia/x) ACCEPT TERMINATOR {NOT_SENT}"),
    ("sofia/x Digit match binding [realm][12]", f"sofia/x Digit match binding [realm][{NOT_SENT}]"),
    ("digits '1234'", f"digits '{NOT_SENT}'"),
    ("Test Regex [1234][\\d+]", f"Test Regex [{NOT_SENT}][\\d+]"),
    ("action regex [1] [1] [1]", f"action regex [{NOT_SENT}] [{NOT_SENT}] [{NOT_SENT}]"),
    ("IVR menu 'main' caught invalid input '1234'", f"IVR menu 'main' caught invalid input '{NOT_SENT}'"),
    ("Signal=5\nDuration=160", f"Signal={NOT_SENT}\nDuration={NOT_SENT}"),
]


@pytest.mark.parametrize(("text", "masked"), SHOWN_AND_MASKED)
def test_digits_go_unless_they_are_asked_for(text: str, masked: str) -> None:
    assert log_text_without_secrets(text, masks_digits=True) == masked
    assert log_text_without_secrets(text, masks_digits=False) == text


@pytest.mark.parametrize(
    "text",
    [
        "Hangup sofia/internal/1001@192.0.2.1 [CS_EXECUTE] [USER_BUSY]",
        "Processing 1001 <1001>->2000 in context public",
        "Invalid Gateway nosuch",
        "EXECUTE [depth=0] sofia/internal/1001@192.0.2.1 bridge(user/1000)",
        "EXECUTE [depth=0] a line that is no application",
        "EXECUTE [depth=0] sofia/x unfinished(data",
    ],
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert log_text_without_secrets(text, masks_digits=True).rstrip(")") == text.rstrip(")")


@pytest.mark.parametrize(
    ("text", "secret", "left"),
    [
        ("SET sofia/x [sip_auth_password]=[hunter2]", "hunter2", "SET sofia/x [sip_auth_password]="),
        ("EXPORT (export_vars) (REMOTE ONLY) [conference_pin]=[4711]", "4711", "EXPORT (export_vars) (REMOTE ONLY) "),
        ("EXECUTE [depth=0] sofia/x set(api_key=abc)", "abc", "EXECUTE [depth=0] sofia/x set(api_key="),
        ("EXECUTE [depth=0] sofia/x conference(room+4711)", "4711", "EXECUTE [depth=0] sofia/x conference(room+"),
        ("EXECUTE [depth=0] sofia/x send_dtmf(4711#)", "4711", f"EXECUTE [depth=0] sofia/x send_dtmf({NOT_SENT})"),
        (
            "EXECUTE [depth=1] sofia/x hash(insert/a/password/abc)",
            "abc",
            "EXECUTE [depth=1] sofia/x hash(insert/a/password/",
        ),
        ("Dialplan: sofia/x Action set(sip_auth_password=hunter2) ", "hunter2", "Dialplan: sofia/x Action set("),
        (
            "Set Local audio crypto Key [1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0]",
            "c2VjcmV0",
            "Set Local audio crypto Key [1 ",
        ),
        ("Local SDP:\nv=0\na=crypto:1 X inline:c2VjcmV0\nt=0 0", "c2VjcmV0", "Local SDP:\nv=0\nt=0 0"),
        ("parsing {sip_auth_password=hunter2}sofia/x", "hunter2", "parsing {sip_auth_password="),
    ],
)
def test_secrets_go_always(text: str, secret: str, left: str) -> None:
    for masks_digits in (True, False):
        sent = log_text_without_secrets(text, masks_digits=masks_digits)
        if masks_digits or "dtmf" not in text:
            assert secret not in sent
            assert sent.startswith(left)

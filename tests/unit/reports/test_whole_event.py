"""A whole event as JSON: always JSON, never a secret, and little work whatever comes."""

from __future__ import annotations

import json
import time
from typing import Any, Optional

import pytest

from fs_hepipe.reports.whole_event import MAX_TEXT, whole_event
from fs_hepipe.words.event import RecordedEvent
from fs_hepipe.words.secret import NOT_SENT
from tests.unit.synthetic import Channel, recorded

S = "s3cr3t"


class Odd(RecordedEvent):
    """An event whose JSON is another text."""

    __slots__ = ("text",)

    def __init__(self, headers: dict[str, Any], text: str) -> None:
        super().__init__(headers)
        self.text = text

    def serialize(self, format: str = "json", /) -> str:
        return self.text


def loaded(heard: RecordedEvent, *, masks_digits: bool = True) -> Any:
    return json.loads(whole_event(heard, masks_digits=masks_digits), parse_constant=pytest.fail)


def test_an_event_without_secrets_is_as_the_switch_serialises_it() -> None:
    for heard in recorded("bridged_answered"):
        whole = json.loads(heard.serialize())
        assert {name: value for name, value in loaded(heard).items() if value != NOT_SENT} == {
            name: value for name, value in whole.items() if name != "variable_digits_dialed"
        }


@pytest.mark.parametrize(
    "text",
    [
        f'{{"Event-Name":"CHANNEL_CREATE","variable_sip_auth_password":"{S}"',
        f"variable_sip_auth_password: {S}",
        f'["{S}"]',
        f'"{S}"',
        "",
        "[" * 100_000,
        '{"a":' * 100_000,
        f'{{"x":"{S}"}}' + "}",
        f'{{"variable_sip_auth_password":"{S}","x":"{"y" * MAX_TEXT}"}}',
        f'{{"x":"\\ud8"}}{S}',
    ],
    ids=lambda text: ascii(text[:12]),
)
def test_what_is_no_json_is_made_of_the_headers_that_we_know(text: str) -> None:
    headers = {
        "Event-Name": "CHANNEL_CREATE",
        "Unique-ID": "leg-a",
        "variable_switch_r_sdp": f"v=0\r\na=ice-pwd:{S}\r\n",
        "variable_x": S,
        "DTMF-Digit": "7",
    }
    assert loaded(Odd(headers, text)) == {
        "Event-Name": "CHANNEL_CREATE",
        "Unique-ID": "leg-a",
        "variable_switch_r_sdp": "v=0\r\n",
        "DTMF-Digit": NOT_SENT,
    }


@pytest.mark.parametrize(
    "text, due",
    [
        ('{"x":NaN,"y":-Infinity,"z":1e999,"n":12345678901234567890}',
         {"x": "NaN", "y": "-Infinity", "z": "1e999", "n": "12345678901234567890"}),
        (f'{{"n":{"1" * 5_000}}}', {"n": "1" * 5_000}),
        ('{"x":null,"y":true,"z":{"password":"a"}}', {"x": "null", "y": "true", "z": '{"password":(not sent)}'}),
        ('{"x":"\\ud83d\\ude00\\udce9\udce9"}', {"x": "\U0001f600??"}),
        ('{"\udce9":["a","\udcff"]}', {"?": ["a", "?"]}),
        (rf'{{"x":"inline\u003a{S}","y":"in\u006cine:\/{S}"}}', {"x": "inline:(not sent)", "y": "inline:(not sent)"}),
    ],
    ids=range(6),
)  # fmt: skip
def test_every_value_is_a_text_and_valid(text: str, due: object) -> None:
    assert loaded(Odd({}, text)) == due


@pytest.mark.parametrize("value", ["x" * 1_000_000, "=" * 1_000_000, "a=crypto:" * 100_000, "%" * 1_000_000])
@pytest.mark.parametrize("name", ["Unique-ID", "variable_switch_r_sdp", "variable_x"])
def test_a_header_of_a_megabyte_is_not_looked_through(name: str, value: str) -> None:
    heard = Channel().event("CHANNEL_CREATE", {name: value})
    text = heard.serialize()
    event = Odd(heard.headers, text)  # its JSON is made: that is FreeSWITCH's work
    assert min(seconds(event) for _ in range(3)) < 0.2


def seconds(event: RecordedEvent, unused: Optional[object] = None) -> float:
    started = time.process_time()
    whole_event(event, masks_digits=True)
    return time.process_time() - started

"""Whatever recordings and arguments the tools are given: they end with a status, and what they print is harmless."""

from __future__ import annotations

import gzip
import io
import json
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from hypothesis import strategies as st

from fs_hepipe.delivery.resolve import Target, literal
from fs_hepipe.tools import check, demo, listen, main, replay
from fs_hepipe.tools.demo import RECORDINGS
from fs_hepipe.words.errors import TransportError
from tests.fuzz.engine import Fuzz
from tests.fuzz.test_text import ANY_TEXT
from tests.unit.tools.hostile import harmless

NOBODY = "udp:127.0.0.1:9"

EVENTS = [
    json.loads(line)
    for name in ("bridged_answered", "dtmf_hold_transfer", "register_unregister", "gateway_states")
    for line in gzip.decompress((RECORDINGS / f"{name}.jsonl.gz").read_bytes()).splitlines()
]
HEADERS = sorted({header for event in EVENTS for header in event})
VALUES = st.recursive(
    ANY_TEXT | st.integers(-(10**25), 10**25).map(str) | st.integers() | st.floats() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=2),
    max_leaves=4,
)
CHANGES = st.dictionaries(st.sampled_from(HEADERS) | ANY_TEXT, VALUES, max_size=3)
CHANGED = st.tuples(st.sampled_from(EVENTS), CHANGES).map(
    lambda parts: json.dumps({**parts[0], **parts[1]}).encode("utf-8", "surrogatepass")
)
NESTED = st.tuples(st.sampled_from(["[", '{"a":', '["a",']), st.integers(1, 3_000)).map(
    lambda nested: b'{"Event-Name":"CHANNEL_CREATE","x":' + (nested[0] * nested[1]).encode()
    + b"1" + ({"[": "]", "{": "}"}[nested[0][0]] * nested[1]).encode() + b"}"
)  # fmt: skip
LINES = st.lists(CHANGED | CHANGED | CHANGED | NESTED | st.binary(max_size=60), max_size=30)

STORED = st.sampled_from(["plain", "packed", "torn", "damaged"])


def run(*arguments: str) -> tuple[int, str, str]:
    """A tool's status and what it prints."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = main(arguments)
        except SystemExit as ended:
            status = int(ended.code or 0)
    assert harmless(out.getvalue())
    assert harmless(err.getvalue())
    assert status in {0, 1, 2}
    return status, out.getvalue(), err.getvalue()


def test_every_recording_is_replayed_or_refused_line_by_line(fuzz: Fuzz, tmp_path: Path) -> None:
    def replayed(recording: tuple[list[bytes], str]) -> None:
        lines, stored = recording
        content = b"\n".join(lines)
        path = tmp_path / ("r.jsonl" if stored == "plain" else "r.jsonl.gz")
        packed = gzip.compress(content, 1)
        middle = len(packed) // 2
        path.write_bytes({
            "plain": content, "packed": packed, "torn": packed[:middle],
            "damaged": packed[:middle] + b"\xff\0" + packed[middle + 2 :],
        }[stored])  # fmt: skip
        status, out, err = run("replay", str(path), "--collector", NOBODY, "--json")
        report = json.loads(out.splitlines()[-1])
        assert report["ledger"]["balances"]
        assert err.count("error: ") == min(report["faults"], replay.MAX_SHOWN_FAULTS + 1)
        assert status == (1 if report["faults"] or report["lost"] else 0)
        if stored in {"plain", "packed"}:
            assert report["read"] + report["faults"] == sum(1 for line in content.split(b"\n") if line.strip())

    fuzz(st.tuples(LINES, STORED), replayed, lambda recording: max(1, len(recording[0])))


TOOLS = st.sampled_from(["demo", "replay", "listen", "decode", "check"])
WORDS = st.sampled_from([
    "--", "-", "--help", "--version", "--json", "--count", "1", "-1", "--bind", "127.0.0.1:0", "[::1]:1", "--set",
    "--config", "--collector", NOBODY, "udp:[::1]:9", "--speed", "max", "1e-300", "1e300", "--all", "busy_486",
    "/dev/null", "/nowhere", "/", "capture-id=7", "capture-password=hunter2", "node-name=a b", "call-events=DTMF",
])  # fmt: skip
JOINED = st.tuples(WORDS, ANY_TEXT).map("".join)
ARGUMENTS = st.tuples(TOOLS | ANY_TEXT, st.lists(WORDS | WORDS | ANY_TEXT | JOINED, max_size=6))


def not_looked_up(host: str, port: int) -> Target:
    """Only what is an address: the names of these tests are nobody's."""
    found = literal(host, port)
    if not found:
        raise TransportError(f"{host} does not resolve")
    return found[0]


@pytest.fixture
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tools without the network, an endless wait and a demo of seconds."""

    def refused(_target: Target) -> None:
        raise OSError(98, "Address already in use")

    for module in (listen, replay):
        monkeypatch.setattr(module, "lookup", not_looked_up)
    monkeypatch.setattr(check, "addresses", lambda host, port: [not_looked_up(host, port)])
    monkeypatch.setattr(listen, "opened", refused)
    monkeypatch.setattr(demo, "run", lambda _args: 0)
    monkeypatch.setattr("sys.stdin", None)


@pytest.mark.usefixtures("_alone")
def test_all_arguments_give_a_result_or_an_error(fuzz: Fuzz, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def given(arguments: tuple[str, list[str]]) -> None:
        status, out, err = run(arguments[0], *arguments[1])
        assert bool(err) == (status != 0) or arguments[0] in {"replay", "check"}
        assert "hunter2" not in out + err

    fuzz(ARGUMENTS, given)

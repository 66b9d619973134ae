"""FreeSWITCH's own log lines, in their calls."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from fs_hepipe.hep.registry import ProtocolType

from .collector import Collector, eventually
from .configuration import SECRET, WITH_PYTHON, free_ports
from .conftest import install, is_up, running
from .lab import Lab
from .switch import Esl, Installation, Switch

pytestmark = pytest.mark.live


@pytest.fixture
def logged(lab: Lab) -> Lab:
    """The lab with the lines of the log."""
    lab.a.configure(report_log_lines="yes", log_lines_per_second=1000)
    lab.a.api("reloadxml")
    assert lab.a.hepipe("reload").endswith("+OK reloaded\n")
    return lab


@pytest.fixture
def rotating(home: Installation, shared_lab: Lab, tmp_path: Path) -> Iterator[Lab]:
    """A switch whose log is rotated every 400 kB."""
    with free_ports() as ports, contextlib.closing(Collector()) as collector:
        switch = Switch(home, tmp_path / "live-rotating", ports, shared_lab.b.ports, modules=WITH_PYTHON)
        conf = switch.conf / "autoload_configs/logfile.conf.xml"
        size = '<param name="rollover" value="400000"/><param name="maximum-rotate" value="8"/>'
        conf.write_text(conf.read_text().replace('<param name="rollover" value="0"/>', size))
        install(switch)
        switch.configure(capture_server=collector.url, report_log_lines="yes")
        with running(switch):
            eventually("agent that python.conf.xml starts", is_up, switch)
            yield Lab(switch, shared_lab.b, collector)


def from_log(lab: Lab, call_id: str) -> list[str]:
    return [line for line in lab.collector.lines(call_id) if " file=" in line or line.startswith(("INFO ", "DEBUG "))]


def test_the_errors_of_a_failing_bridge_are_in_its_call(logged: Lab) -> None:
    began = time.time()
    call_id = logged.dial("nogateway")
    line = logged.collector.line(call_id, 'nosuch"')
    assert line.startswith('ERR text="Invalid Gateway nosuch" file=mod_sofia.c:')
    assert f" call-id={call_id}" in line
    (message,) = [
        each for each in logged.collector.of(call_id, ProtocolType.LOG) if each.payload.startswith(b"ERR text=")
    ]
    assert began - 0.1 <= message.timestamp / 1e6 <= time.time()
    assert logged.a.status()["log_lines"]["problem"] == ""


def test_a_call_asks_for_all_its_lines_and_no_secret_is_in_them(logged: Lab) -> None:
    call_id = logged.dial("warned")
    logged.collector.line(call_id, "CHANNEL_HANGUP_COMPLETE")
    eventually(
        "last debug line", lambda: any("Ended" in line or "Destroy" in line for line in from_log(logged, call_id))
    )
    lines = from_log(logged, call_id)
    assert any(line.startswith('WARNING text="password=(not sent)"') for line in lines)
    assert any(line.startswith("DEBUG ") for line in lines)
    assert any("[sip_auth_password]=(not sent)" in line for line in lines)
    assert not [line for line in lines if SECRET in line]
    assert len(lines) == len(set(lines))
    other = logged.refused()
    assert not [line for line in from_log(logged, other) if line.startswith("DEBUG ")]


def test_a_forged_line_is_in_nobodys_call(logged: Lab) -> None:
    """mod_logfile undoes the escape, and the forged line stands in the file from its first octet."""
    others = len(logged.collector.lines())  # of other tests, which forge too
    forged = str(uuid.uuid4())
    call_id = logged.dial("forging", None, **{"sip_h_X-Forged": forged})
    behind = logged.collector.line(call_id, 'text="behind', 'it"')
    assert behind.startswith("ERR ")
    texts = from_log(logged, call_id)
    assert texts[0].startswith("ERR text=begin file=")
    assert not [line for line in logged.collector.lines()[others:] if "forged" in line]


def test_rotation_under_load_loses_nothing_and_sends_nothing_twice(logged: Lab) -> None:
    call_ids = []
    for number in range(60):
        call_ids.append(logged.dial("nogateway"))
        if number % 15 == 7:
            os.kill(logged.a.pid, signal.SIGHUP)
        time.sleep(0.05)
    for call_id in call_ids:
        logged.collector.line(call_id, 'nosuch"')
    time.sleep(1.0)
    for call_id in call_ids:
        assert len(from_log(logged, call_id)) == 1, call_id
    report = logged.a.status()["log_lines"]
    assert report["rotations"] >= 4
    assert report["counts"].get("unknown_leg", 0) == 0


def test_rotation_by_size_beside_thousands_of_debug_lines_a_second(rotating: Lab) -> None:
    """Each call logs one error, and has it once."""
    stops = threading.Event()

    def chat() -> None:
        with contextlib.closing(Esl(rotating.a.ports.esl)) as esl:
            while not stops.is_set():
                esl.api("log DEBUG a line that nobody wants, about as long as those of a switch are on average")

    thread = threading.Thread(target=chat)
    thread.start()
    try:
        call_ids = rotating.dial_steadily(50, 10, "nogateway")
    finally:
        stops.set()
        thread.join()
    for call_id in call_ids:
        rotating.collector.line(call_id, 'nosuch"')
    time.sleep(1.0)
    assert [len(from_log(rotating, call_id)) for call_id in call_ids] == [1] * len(call_ids)
    report = rotating.a.status()["log_lines"]
    assert report["rotations"] >= 2
    assert report["counts"]["lines"] > 10_000


def test_after_a_restart_no_line_comes_again(logged: Lab) -> None:
    first = logged.dial("nogateway")
    logged.collector.line(first, 'nosuch"')
    assert logged.a.hepipe("restart") == "+OK started\n"
    second = logged.dial("nogateway")
    logged.collector.line(second, 'nosuch"')
    assert len(from_log(logged, first)) == len(from_log(logged, second)) == 1

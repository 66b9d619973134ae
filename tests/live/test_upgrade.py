"""The package on disk takes the place of the one that runs, while FreeSWITCH has calls."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from .collector import eventually
from .lab import Lab

pytestmark = pytest.mark.live

NEWER = "9.9.9"


def change(lab: Lab, file: str, before: str, after: str) -> None:
    """Changes the package that lies in the switch's script folder."""
    path = Path(lab.a.scripts, "fs_hepipe", file)
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def newer(lab: Lab) -> str:
    """Puts another version there; the one that runs."""
    version = str(lab.a.status()["version"])
    change(lab, "version.py", f'VERSION = "{version}"', f'VERSION = "{NEWER}"')
    return version


@pytest.mark.parametrize("command", ["python fs_hepipe upgrade", "python fs_hepipe.switch.upgrade"])
def test_calls_in_progress_keep_their_correlation(another: Lab, command: str) -> None:
    lab = another
    call_id = lab.dial("bridge")
    incoming, outgoing = lab.legs(call_id)
    lab.both_ways(incoming)
    version = newer(lab)
    assert lab.a.api(command) == f"+OK {version} is replaced by {NEWER}; calls in progress were read again\n"
    assert lab.a.status()["version"] == NEWER
    assert lab.a.status()["legs"]["living"] == 2
    had = len(lab.rtcp(incoming)[0])
    eventually("RTCP after it", lambda: len(lab.rtcp(incoming)[0]) > had, patience=12.0)
    lab.hang_up()
    for leg, other in ((incoming, outgoing), (outgoing, incoming)):
        line = lab.collector.line(leg.call_id, "CHANNEL_HANGUP_COMPLETE")
        assert other.call_id in line
        eventually("quality", lab.quality, leg)
        assert len(lab.collector.hangups(leg.call_id)) == 1
    assert lab.a.log().count(f"fs_hepipe: {NEWER} starts") == 1


def test_no_event_is_lost_while_calls_come(another: Lab) -> None:
    lab = another
    newer(lab)
    answers: list[str] = []

    def upgrade_often() -> None:
        for _ in range(3):
            time.sleep(1.0)
            answers.append(lab.a.fs_cli("python fs_hepipe upgrade"))

    thread = threading.Thread(target=upgrade_often)
    thread.start()
    call_ids = lab.dial_steadily(80, 20.0, "refused")
    thread.join()
    assert [answer[:3] for answer in answers] == ["+OK"] * 3
    for call_id in call_ids:
        lab.collector.line(call_id, "CHANNEL_HANGUP_COMPLETE")
    assert {len(lab.collector.hangups(call_id)) for call_id in call_ids} == {1}
    assert lab.a.probe()["consumers"] == 1


def test_no_line_of_the_log_comes_twice(another: Lab) -> None:
    lab = another
    lab.a.configure(capture_server=lab.collector.url, report_log_lines="yes", log_lines_per_second=1000)
    lab.a.api("reloadxml")
    assert lab.a.hepipe("reload").endswith("+OK reloaded\n")
    call_id = lab.dial("bridge")
    incoming, _ = lab.legs(call_id)

    def begins() -> int:
        return sum(line.startswith('NOTICE text="New Channel') for line in lab.collector.lines(call_id))

    lab.a.api(f"uuid_setvar {incoming.unique_id} fs_hepipe_log_level debug")
    lab.a.api(f"uuid_hold {incoming.unique_id}")  # an event that tells it
    eventually("the lines before it", lambda: begins() == 1)
    newer(lab)
    assert lab.a.fs_cli("python fs_hepipe upgrade").startswith("+OK")
    lab.a.api(f"uuid_hold off {incoming.unique_id}")
    had = len(lab.collector.lines(call_id))
    lab.hang_up()
    eventually("more lines of the log", lambda: len(lab.collector.lines(call_id)) > had + 5)
    lab.collector.line(lab.dial("nogateway"), 'nosuch"')
    assert begins() == 1


@pytest.mark.parametrize(
    ("file", "before", "after", "why"),
    [
        ("reports/custom.py", "from __future__", "from __past__", "No module named '__past__'"),
        ("agent/config.py", 'CONFIGURATION = "fs_hepipe.conf"', "CONFIGURATION = 1 / 0", "ZeroDivisionError"),
        ("switch/entry_points.py", "def runtime(", "def runtime_(", "cannot import name 'runtime'"),
    ],
)
def test_a_package_that_can_not_be_used_changes_nothing(
    another: Lab, file: str, before: str, after: str, why: str
) -> None:
    lab = another
    call_id = lab.dial("bridge")
    incoming, _ = lab.legs(call_id)
    was = lab.a.status()
    newer(lab)
    change(lab, file, before, after)
    answer = lab.a.hepipe("upgrade")
    assert answer.startswith("-ERR the new version can't be used, the agent goes on as it was: ")
    assert why in answer
    lab.hang_up()
    lab.collector.line(incoming.call_id, "CHANNEL_HANGUP_COMPLETE")
    now = lab.a.status()
    assert (now["version"], now["started"]) == (was["version"], was["started"])
    assert now["events"]["received"]["CHANNEL_HANGUP_COMPLETE"] > 0

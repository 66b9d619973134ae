"""The agent as an operator meets it: python.conf.xml, fs_cli, the dialplan."""

from __future__ import annotations

import json

import pytest
from prometheus_client.parser import text_string_to_metric_families

from fs_hepipe.switch.platform import FREESWITCH
from fs_hepipe.version import VERSION

from .collector import eventually
from .lab import Lab

pytestmark = pytest.mark.live


def test_python_conf_xml_starts_it_with_the_switch(another: Lab) -> None:
    (said,) = [line for line in another.a.log().splitlines() if f" fs_hepipe: {VERSION} starts, " in line]
    assert said.endswith(f" sending to {another.collector.url}")
    assert another.a.status()["configuration"] == "fs_hepipe.conf.xml"
    assert another.a.status()["node_name"] in {None, another.a.name}


def test_without_a_word_it_starts_and_shows_its_status(lab: Lab) -> None:
    assert lab.a.fs_cli("python fs_hepipe stop").strip() == "+OK stopped"
    answer = lab.a.fs_cli("python fs_hepipe")
    assert answer.startswith(f"fs_hepipe {VERSION}, running since ")
    assert f"{lab.collector.url}  sent 0, errors none" in answer


def test_status_is_text_or_json(lab: Lab) -> None:
    assert "ledger    balances" in lab.a.fs_cli("python fs_hepipe status")
    report = json.loads(lab.a.fs_cli("python fs_hepipe status json"))
    assert report["version"] == VERSION
    assert report["ledger"]["balances"] is True


def test_start_and_stop_say_when_there_is_nothing_to_do(lab: Lab) -> None:
    assert lab.a.fs_cli("python fs_hepipe start").strip() == "-ERR is running already"
    assert lab.a.fs_cli("python fs_hepipe stop").strip() == "+OK stopped"
    for command in ("stop", "status", "reload", "metrics"):
        assert lab.a.fs_cli(f"python fs_hepipe {command}").startswith("-ERR is not running")
    assert lab.a.fs_cli("python fs_hepipe start").strip() == "+OK started"


def test_restart_begins_to_count_anew(lab: Lab) -> None:
    before = lab.a.status()["running_since"]
    lab.refused()
    assert lab.a.fs_cli("python fs_hepipe restart").strip() == "+OK started"
    assert lab.a.status()["events"]["received"] == {}
    assert lab.a.status()["running_since"] >= before


def test_test_sends_a_message_that_can_be_found(lab: Lab) -> None:
    answer = lab.a.fs_cli("python fs_hepipe test")
    assert answer.startswith(f"+OK {lab.collector.url}: sent ")
    eventually("test message", lab.collector.of, "live-a/test/fs_hepipe")


def test_metrics_are_prometheus_text(lab: Lab) -> None:
    text = lab.a.fs_cli("python fs_hepipe metrics")
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert [sample.value for sample in families["fs_hepipe_ledger_balances"].samples] == [1]
    assert [sample.labels for sample in families["fs_hepipe_sent"].samples] == [{"collector": lab.collector.url}]


def test_version_names_the_switch_and_its_python_too(lab: Lab) -> None:
    first, second, third, *_ = lab.a.fs_cli("python fs_hepipe version").splitlines()
    assert first == f"fs_hepipe {VERSION}"
    assert second.startswith(f"FreeSWITCH {lab.a.home.release}")
    assert lab.a.probe()["python"] == f"C{third}"


def test_version_knows_the_releases_that_it_was_tested_on(lab: Lab) -> None:
    tested = lab.a.home.release in FREESWITCH
    assert ("FreeSWITCH" not in " ".join(lab.a.hepipe("version").splitlines()[2:])) == tested


def test_help_and_a_mistake_show_every_command(lab: Lab) -> None:
    usage = lab.a.fs_cli("python fs_hepipe help").strip()
    assert len(usage.splitlines()) == 11
    answer = lab.a.fs_cli("python fs_hepipe stauts").strip()
    assert answer == f"-ERR unknown command stauts\n{usage}"


def test_a_second_pyrun_says_that_it_is_running_and_changes_nothing(lab: Lab) -> None:
    threads = lab.a.threads()
    before = lab.a.status()
    lab.a.fs_cli("pyrun fs_hepipe capture-id=7")
    eventually("warning", lambda: "is running already" in lab.a.log())
    assert lab.a.status()["running_since"] == before["running_since"]
    assert lab.a.status()["capture_id"] == before["capture_id"]
    assert eventually("end of the second thread", lambda: lab.a.threads() <= threads)


def test_a_dialplan_mistake_is_a_line_in_the_log(lab: Lab) -> None:
    lab.dial("mistaken", seconds=1)
    eventually("complaint", lambda: "dialplan: 'lgo typo' is not: log TEXT" in lab.a.log())

"""
Every recorded story, as the agent tells it, before all judges at once: each holds exactly what was built.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Optional

import pytest

from fs_hepipe.hep import IpFamily, ProtocolType
from fs_hepipe.tools.demo import STORIES
from fs_hepipe.words.settings import CALL_LOG_FORMATS, CORRELATIONS, JITTER_UNITS, QOS_TYPES, Settings

from .judge import Judge
from .judges import JUDGES, HepJs, KamailioChunks, KamailioStore, Sngrep, objections
from .running import Shared, Starter
from .seen import Seen
from .stage import FAR_END, Stage, recorded

pytestmark = pytest.mark.collectors

IPV6_STORIES = ("ipv6_echo",)
REPORTS = (ProtocolType.RTCP_JSON, *QOS_TYPES)
"""Types whose payload is JSON, whatever the call-log's format."""


def due_by_type(built: Mapping[int, int], judge: Judge) -> Counter[Optional[int]]:
    """How many messages a judge has to hold of each type it can tell, by the ledger."""
    due: Counter[Optional[int]] = Counter()
    for protocol_type, count in built.items():
        view = judge.view(Seen(protocol_type=protocol_type))
        if view is not None:
            due[view.protocol_type] += count
    return due


def complaints(stage: Stage, judge: Judge) -> list[str]:
    """What a judge has against the play: other counts than the ledger's, other fields than the reference's."""
    lines = objections(stage.messages, judge)
    held = Counter(seen.protocol_type for seen in judge.received())
    due = due_by_type(stage.agent.counters.built, judge)
    return lines if held == due else [*lines, f"{judge} holds {dict(held)}, built were {dict(due)}"]


@pytest.mark.parametrize("log_format", CALL_LOG_FORMATS)
@pytest.mark.parametrize("story", STORIES)
def test_every_judge_holds_exactly_what_was_built(shared: Shared, story: str, log_format: str) -> None:
    judges = [shared.get(kind) for kind in JUDGES]
    stage = Stage(judges, Settings(call_log_format=log_format))
    stage.play(recorded(story))
    assert stage.faults() == []
    assert max(map(len, stage.datagrams)) <= Sngrep.largest
    assert [line for judge in judges for line in complaints(stage, judge)] == []


@pytest.mark.parametrize("qos_type", ((32,), (99,), (35,), QOS_TYPES), ids=str)
@pytest.mark.parametrize("story", ("lossy_media", "ipv6_echo"))
def test_quality_reports_arrive_under_any_type(shared: Shared, story: str, qos_type: tuple[int, ...]) -> None:
    judges = [shared.get(kind) for kind in JUDGES]
    stage = Stage(judges, Settings(qos_type=qos_type))
    stage.play(recorded(story))
    assert stage.faults() == []
    assert {number for number in stage.agent.counters.built if number in QOS_TYPES} == set(qos_type)
    assert [line for judge in judges for line in complaints(stage, judge)] == []


@pytest.mark.parametrize("correlation", CORRELATIONS)
@pytest.mark.parametrize("jitter_unit", JITTER_UNITS)
def test_every_other_setting_of_the_mappers_arrives(shared: Shared, correlation: str, jitter_unit: str) -> None:
    judges = [shared.get(kind) for kind in JUDGES]
    settings = Settings(correlation=correlation, rtcp_jitter_unit=jitter_unit, node_name="nœud 日本")
    stage = Stage(judges, settings)
    stage.play(recorded("lossy_media"))
    assert stage.faults() == []
    assert [line for judge in judges for line in complaints(stage, judge)] == []


@pytest.mark.parametrize("log_format", CALL_LOG_FORMATS)
def test_the_consumers_own_tools_read_our_json(kamailio_store: KamailioStore, hepjs: HepJs, log_format: str) -> None:
    judges: tuple[Judge, ...] = (kamailio_store, hepjs)
    stage = Stage(judges, Settings(call_log_format=log_format, qos_type=(32, 99)))
    stage.play(recorded("bridged_answered"))
    due = {number: number in REPORTS or log_format != "text" for number in stage.agent.counters.built}
    for judge in judges:
        judge.settle()
        assert {(seen.protocol_type, seen.json) for seen in judge.received()} == set(due.items())


@pytest.mark.parametrize("log_format", CALL_LOG_FORMATS)
@pytest.mark.parametrize("story", IPV6_STORIES)
def test_addresses_of_ipv6_calls_arrive_where_the_judge_reads_them(shared: Shared, story: str, log_format: str) -> None:
    judges = [shared.get(kind) for kind in (KamailioStore, KamailioChunks)]
    stage = Stage(judges, Settings(call_log_format=log_format))
    stage.play(recorded(story))
    for judge in judges:
        assert objections(stage.messages, judge) == []
        assert {seen.ip_family for seen in judge.received()} == {IpFamily.IPV6}
        assert {(seen.src_ip, seen.dst_ip) for seen in judge.received()} == {("::1", "::1")}


@pytest.mark.parametrize(
    ("story", "far_end"),
    (("lossy_media", "192.0.2.10"), ("register_unregister", "192.0.2.10"), ("ipv6_echo", "2001:db8::10")),
)
def test_who_sent_what_to_whom_arrives(shared: Shared, story: str, far_end: str) -> None:
    judges = [shared.get(kind) for kind in JUDGES]
    stage = Stage(judges)
    stage.play(recorded(story, dict.fromkeys(FAR_END, far_end)))
    assert all((message.src_ip == far_end) != (message.dst_ip == far_end) for message in stage.messages)
    assert stage.faults() == []
    assert [line for judge in judges for line in complaints(stage, judge)] == []


@pytest.mark.parametrize("story", ("bridged_answered", *IPV6_STORIES))
def test_collectors_of_both_families_are_served_at_once(start: Starter, shared: Shared, story: str) -> None:
    judges = [
        *(start(kind, host="::1") for kind in (KamailioStore, KamailioChunks)),
        *(shared.get(kind) for kind in JUDGES),
    ]
    stage = Stage(judges, host="::1")
    stage.play(recorded(story))
    assert stage.faults() == []
    assert [line for judge in judges for line in complaints(stage, judge)] == []

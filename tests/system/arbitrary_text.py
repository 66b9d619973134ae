"""
Any text in every place where text comes in: headers, channel ids, arguments, configuration values, the dialplan. The
fake switch dies of what kills a real one, and this process with it, so it is run as a program by
test_arbitrary_text.py; it prints how many texts it tried.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent / "fakes")]

import fs_hepipe  # noqa: E402
from freeswitch import Session, Stream, switch  # noqa: E402
from fs_hepipe.agent import loop as agent_module  # noqa: E402
from fs_hepipe.agent.config import PARAMETERS  # noqa: E402
from tests.system.harness import Record, System, assert_balanced, configuration, story  # noqa: E402

EXAMPLES = 40

octets = st.binary(max_size=60).map(lambda some: some.decode("utf-8", "surrogateescape"))
hostile = st.sampled_from([
    "\udce9", "\ud800", "caf\udce9" * 5000, "a\0b", "u1 x", "'u1'", "", "é" * 70_000, "ARRAY::\udce9|:",
])  # fmt: skip
texts = st.text(st.characters(), max_size=60) | octets | hostile

HEADERS = sorted({header for event in story("bridged_answered") for header in event} - {"Event-Name"})
COMMANDS = ("", "status", "status json", "restart", "reload", "test", "metrics", "version", "stop", "start")

tried: Counter[str] = Counter()
system = System()


def alive() -> None:
    """The loop goes on: it pops what is fired now."""
    system.drained()
    assert system.agent.pipeline is not None


def stop() -> None:
    """Stops what runs, and what is only just starting."""
    while any(thread.is_alive() for thread in switch._runtimes):
        ask("stop")
        time.sleep(0.001)


def ask(command: str) -> str:
    stream = Stream()
    fs_hepipe.fsapi("na", stream, None, command)
    return stream.get_data()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def in_headers(data: st.DataObject) -> None:
    for event in story("bridged_answered")[:12]:
        header, text = data.draw(st.sampled_from(HEADERS)), data.draw(texts)
        switch.fire({**event, header: text})
        tried["headers"] += 1
    alive()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts, texts)
def as_channel_ids(unique_id: str, name: str) -> None:
    switch.channels = {unique_id: {"Unique-ID": unique_id, "Channel-Name": name}, "u1": {"Unique-ID": "u1"}}
    switch.fire({**rtcp(), "Unique-ID": unique_id}, {**rtcp(), "Unique-ID": "u1"})
    time.sleep(3 * agent_module.TICK)  # the tick asks about both
    assert ask("restart") == "+OK started\n"
    tried["channel ids"] += 2
    alive()
    switch.channels = {}


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(COMMANDS), texts)
def as_arguments(command: str, text: str) -> None:
    assert ask(text) != ""
    assert ask(f"{command} {text}") != ""
    fs_hepipe.handler(Session(text, {"sip_call_id": text}), f"log {text}")
    fs_hepipe.handler(Session("u1"), text)
    for arguments in (text, f"capture-id=7 node-name={text}"):  # refused, or it runs
        stop()
        switch.startup_script(f"fs_hepipe {arguments}")
    stop()
    tried["arguments"] += 6
    system.start()
    alive()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from([parameter.name for parameter in PARAMETERS]), texts)
def as_configuration(name: str, text: str) -> None:
    switch.configure("fs_hepipe.conf", configuration(**{name: text}))
    assert ask("reload").startswith(("-ERR", "+OK", "warning", "event-queue-length"))
    switch.configure("fs_hepipe.conf", configuration())
    ask("reload")
    tried["configuration values"] += 1
    alive()


def rtcp() -> Record:
    return next(event for event in story("bridged_answered") if event["Event-Name"] == "RECV_RTCP_MESSAGE")


def main() -> None:
    vars(agent_module).update(TICK=0.005, WAIT_MS=5)
    switch.configure("fs_hepipe.conf", configuration())
    system.start()
    for check in (in_headers, as_channel_ids, as_arguments, as_configuration):
        check()
    agent = system.agent
    system.shutdown()
    assert_balanced(agent)
    print(dict(tried))


if __name__ == "__main__":
    main()

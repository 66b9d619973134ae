"""
The commands of fs_cli: arguments of `python fs_hepipe` -> the answer.
"""

from __future__ import annotations

import functools
import time
from typing import Callable

from fs_hepipe.agent.config import names_secret
from fs_hepipe.agent.metrics import as_prometheus
from fs_hepipe.agent.status import as_json, as_text, status
from fs_hepipe.calls.endpoint import NOWHERE, ip_literal
from fs_hepipe.delivery.group import all_addresses
from fs_hepipe.delivery.trial import trial
from fs_hepipe.hep import Message, ProtocolType, encode
from fs_hepipe.switch import host, starter, upgrade
from fs_hepipe.version import VERSION
from fs_hepipe.words.errors import ConfigError
from fs_hepipe.words.settings import Settings
from fs_hepipe.words.text import shown

USAGE = """\
python fs_hepipe                start the agent if it is not running, and show its status
python fs_hepipe status [json]  show what it has done so far
python fs_hepipe start          start it
python fs_hepipe stop           stop it; what is in the queue is sent first
python fs_hepipe restart        stop it and start it
python fs_hepipe upgrade        use the package on disk now; calls in progress keep their Call-IDs
python fs_hepipe reload         read the configuration again, after reloadxml; a bad one is refused
python fs_hepipe test           send one test message to every collector
python fs_hepipe metrics        show the counters in Prometheus' text format
python fs_hepipe version        show versions of fs_hepipe, FreeSWITCH, Python and the distribution
python fs_hepipe help           show this list
"""

def answer(args: str) -> str:
    """The answer to a command line; one that begins with `-ERR` is an error."""
    words = args.split()
    command = COMMANDS.get(words[0] if words else "")
    if command is None:
        which = "" if names_secret(args) else f" {shown(words[0], 40)}"
        return f"-ERR unknown command{which}\n{USAGE}"
    try:
        return command(words[1:])
    except ConfigError as error:
        return "".join(f"-ERR {shown(problem)}\n" for problem in error.problems)


# --- one function per command ---


def _default(words: list[str]) -> str:
    if starter.current.running() is None:
        answer = _start(words)
        if answer.startswith("-ERR"):
            return answer
    return _status(words)


def _start(words: list[str]) -> str:
    if starter.current.running() is not None:
        return "-ERR is running already\n"
    starter.configured(starter.current.arguments)  # so that a bad configuration is the answer, not only a log line
    before = starter.current.agent
    host.spawn(starter.AS_BEFORE)

    def is_up() -> bool:
        agent = starter.current.agent
        return agent is not None and agent is not before and (agent.running.is_set() or agent.ended.is_set())

    started = starter.wait_for(is_up) and starter.current.running() is not None
    return "+OK started\n" if started else "-ERR did not start, see the log\n"


def _stop(words: list[str]) -> str:
    agent = starter.current.running()
    if agent is None:
        return "-ERR is not running\n"
    agent.stop()
    return "+OK stopped\n" if starter.wait_for(agent.ended.is_set) else "-ERR is still stopping\n"


def _restart(words: list[str]) -> str:
    if starter.current.running() is not None:
        starter.configured(starter.current.arguments)  # do not stop an agent that could not be started again
        answer = _stop(words)
        if answer.startswith("-ERR"):
            return answer
    return _start(words)


def _reload(words: list[str]) -> str:
    agent = starter.current.running()
    if agent is None:
        return "-ERR is not running\n"
    config, source = starter.configured(starter.current.arguments)
    if not agent.reconfigure(config):
        return "-ERR the agent did not use it, see the log\n"
    agent.source = source
    if starter.current.scrape is not None:
        starter.current.scrape.listen(config.metrics_listen)
    answer = "".join(f"warning: {shown(warning)}\n" for warning in (*config.warnings, *config.cautions))
    if config.event_queue_length != agent.queue_length:
        answer += f"event-queue-length stays {agent.queue_length} until the next restart\n"
    return f"{answer}+OK reloaded\n"


def _upgrade(words: list[str]) -> str:
    return upgrade.upgrade()


def _status(words: list[str]) -> str:
    agent = starter.current.running()
    if agent is None:
        return "-ERR is not running: python fs_hepipe start\n"
    report = status(agent)
    return as_json(report) if words[:1] == ["json"] else as_text(report)


def _metrics(words: list[str]) -> str:
    agent = starter.current.running()
    return as_prometheus(status(agent)) if agent is not None else "-ERR is not running\n"


def _test(words: list[str]) -> str:
    """
    Sends with its own sockets, so that the agent's counters do not include test messages. What got there ends the
    trouble that status tells of: the agent itself knows better only when it has something to send again.
    """
    agent = starter.current.running()
    config = agent.config if agent is not None else starter.configured(starter.current.arguments)[0]
    settings = config.settings
    switch_name = host.ask("switchname").strip() or "unknown"
    datagram = encode(_test_message(settings, switch_name))
    answers = []
    for address in all_addresses(config.collectors):
        target, text = trial(address, datagram)
        if target is not None and agent is not None and not address.is_stream:
            agent.run_between_events(functools.partial(agent.collectors.hear_of_trial, target))
        answers.append(f"{'+OK' if target is not None else '-ERR'} {address}: {shown(text)}")
    return "\n".join([*answers, f"look for {shown(_test_call_id(switch_name))} in Homer's Logs"]) + "\n"


def _test_call_id(switch_name: str) -> str:
    return f"{switch_name}/test/fs_hepipe"


def _test_message(settings: Settings, switch_name: str) -> Message:
    ip = ip_literal(host.ask("global_getvar local_ip_v4").strip()) or NOWHERE[4]
    return Message(
        timestamp=time.time_ns() // 1000,
        payload=f"fs_hepipe {VERSION} test message of {switch_name}".encode(),
        protocol_type=ProtocolType.LOG,
        src_ip=ip,
        dst_ip=ip,
        capture_id=settings.capture_id,
        correlation_id=_test_call_id(switch_name),
        node_name=settings.node_name or switch_name,
        auth_key=settings.capture_password,
    )


def _version(words: list[str]) -> str:
    here = starter.here()
    lines = [
        f"fs_hepipe {VERSION}",
        f"FreeSWITCH {here.freeswitch or '(unknown)'}",
        f"Python {here.python}",
        here.distribution or "distribution (unknown)",
        *here.untested,
    ]
    return "".join(f"{shown(line)}\n" for line in lines)


def _help(words: list[str]) -> str:
    return USAGE


COMMANDS: dict[str, Callable[[list[str]], str]] = {
    "": _default,
    "help": _help,
    "metrics": _metrics,
    "reload": _reload,
    "restart": _restart,
    "start": _start,
    "status": _status,
    "stop": _stop,
    "test": _test,
    "upgrade": _upgrade,
    "version": _version,
}

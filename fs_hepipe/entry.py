"""
The doors mod_python3 knocks on. Nothing leaves them: an exception that does can kill the switch, whose module copies
its text into a buffer of 20 KiB without looking at its length (measured).

    runtime(args)                         startup-script, pyrun: runs the agent in the thread it is given
    fsapi(session, stream, env, args)     `python fs_hepipe …` from fs_cli
    handler(session, args)                `<action application="python" data="fs_hepipe log …"/>`
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from typing import Any, Callable, Optional

from fs_hepipe import host
from fs_hepipe.agent import PATIENCE, Agent
from fs_hepipe.config import CONFIGURATION, Address, Config, parse
from fs_hepipe.console import LOGGER, attach, say_what
from fs_hepipe.errors import ConfigError, TransportError
from fs_hepipe.flows import NOWHERE
from fs_hepipe.hep import Message, ProtocolType, encode
from fs_hepipe.media import ip_literal
from fs_hepipe.metrics import as_prometheus
from fs_hepipe.platform import platform
from fs_hepipe.settings import Settings
from fs_hepipe.status import as_json, as_text, status
from fs_hepipe.text import shown
from fs_hepipe.transport import Collector, lookup
from fs_hepipe.version import VERSION

USAGE = """\
python fs_hepipe                start the agent when it is not running, and show its status
python fs_hepipe status [json]  what it has done so far
python fs_hepipe start          start it
python fs_hepipe stop           stop it; what waits is sent first
python fs_hepipe restart        stop it and start it
python fs_hepipe reload         read the configuration again, after reloadxml; a bad one is refused
python fs_hepipe test           send one test message to every collector
python fs_hepipe metrics        the counters in Prometheus' text format
python fs_hepipe version        versions of fs_hepipe, FreeSWITCH, Python and the distribution
python fs_hepipe help           this
"""

AS_BEFORE = "as-before"
"""The argument of a `runtime` that is to take those it had: an event tells whoever listens what `pyrun` was given."""

REFUSAL_WAIT = 0.2
"""Seconds after a test message in which a host tells that nobody listens; across an ocean it takes as long."""

log = logging.getLogger(LOGGER)


class _Office:
    """Who is running, and with which arguments it was started. There is one per switch."""

    def __init__(self) -> None:
        self.agent: Optional[Agent] = None
        self.arguments = ""
        """Of the last `runtime` that had its own: they override the XML for as long as the switch lives."""
        self.lock = threading.Lock()
        """Held while an agent is made: a startup-script and an operator may come at once."""

    def running(self) -> Optional[Agent]:
        """The agent, where it has not ended."""
        return self.agent if self.agent is not None and not self.agent.ended.is_set() else None


_office = _Office()


# --- doors ---


def runtime(args: str) -> None:
    """Runs the agent until it is stopped or the switch shuts down; returns at once when one is running already."""
    try:
        _run(args)
    except ConfigError as error:
        for problem in error.problems:
            _complain(problem)  # as it is: each is said on its own
        _complain("not started: the configuration has problems")
    except (KeyboardInterrupt, SystemExit):
        pass
    except Exception as error:
        _complain("ended: %s", say_what(error))


def fsapi(session: Any, stream: host.Stream, env: Any, args: Optional[str]) -> None:
    """Answers a command of fs_cli on `stream`."""
    try:
        words = (args or "").split()
        command = COMMANDS.get(words[0] if words else "")
        if command is None:
            host.answer(stream, f"-ERR unknown command {shown(words[0], 40)}\n{USAGE}")
        else:
            host.answer(stream, _answer(command, words[1:]))
    except (KeyboardInterrupt, SystemExit):
        pass
    except Exception as error:
        _answer_fault(stream, error)


def handler(session: Any, args: Optional[str]) -> None:
    """`log TEXT` from the dialplan: a line in the log of the session's own call."""
    try:
        command, _, text = (args or "").strip().partition(" ")
        if command != "log" or not text.strip():
            _complain("dialplan: %r is not: log TEXT", shown(args or "", 80))
            return
        if not host.fire_log(session.get_uuid(), session.getVariable("sip_call_id"), text.strip()):
            _complain("dialplan: the line was not logged: the channel's id and Call-ID can't be said")
    except (KeyboardInterrupt, SystemExit):
        pass
    except Exception as error:
        _complain("dialplan: %s", say_what(error))


def _answer(command: Callable[[list[str]], str], words: list[str]) -> str:
    try:
        return command(words)
    except ConfigError as error:
        return "".join(f"-ERR {shown(problem)}\n" for problem in error.problems)


# --- the agent's life ---


def _run(args: str) -> None:
    with _office.lock:
        if _office.running() is not None:
            _complain("is running already: this second start does nothing")
            return
        if args.strip() != AS_BEFORE:
            _office.arguments = args
        config, source = _configured(_office.arguments)
        attach(host.write_log, config.log_level)
        agent = _office.agent = Agent(config, host.Inlet, source, remarks=platform(host.version()).untested)
    for warning in config.warnings:
        log.warning(warning)
    if not agent.source.startswith(CONFIGURATION):
        log.warning("no %s was found: running by %s", CONFIGURATION, agent.source)
    log.info("%s starts, configured by %s, sending to %s", VERSION, source, ", ".join(map(str, config.collectors)))
    agent.run(host.living_channels, host.channel)
    log.info("has stopped")


def _configured(arguments: str) -> tuple[Config, str]:
    can_ask = _wait(host.answers)
    xml = host.configuration(CONFIGURATION)
    source = f"{CONFIGURATION}.xml" if xml is not None else "its defaults"
    if not can_ask:
        source += " (mod_commands is not loaded)"
    if arguments.strip():
        source += " and its arguments"
    return parse(xml, arguments), source


def _wait(condition: Callable[[], bool]) -> bool:
    """Waits for the switch or the agent's thread to take a step. Sleeping lets it have the interpreter."""
    deadline = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


# --- commands: words after the command -> answer ---


def _default(words: list[str]) -> str:
    if _office.running() is None:
        answer = _start(words)
        if answer.startswith("-ERR"):
            return answer
    return _status(words)


def _start(words: list[str]) -> str:
    if _office.running() is not None:
        return "-ERR is running already\n"
    _configured(_office.arguments)  # a bad configuration is an answer here, not a line in a log
    before = _office.agent
    host.spawn(AS_BEFORE)

    def is_up() -> bool:
        agent = _office.agent
        return agent is not None and agent is not before and (agent.running.is_set() or agent.ended.is_set())

    started = _wait(is_up) and _office.running() is not None
    return "+OK started\n" if started else "-ERR did not start, see the log\n"


def _stop(words: list[str]) -> str:
    agent = _office.running()
    if agent is None:
        return "-ERR is not running\n"
    agent.stop()
    return "+OK stopped\n" if _wait(agent.ended.is_set) else "-ERR is still stopping\n"


def _restart(words: list[str]) -> str:
    if _office.running() is not None:
        _configured(_office.arguments)  # do not stop what could not be started again
        answer = _stop(words)
        if answer.startswith("-ERR"):
            return answer
    return _start(words)


def _reload(words: list[str]) -> str:
    agent = _office.running()
    if agent is None:
        return "-ERR is not running\n"
    config, source = _configured(_office.arguments)
    if not agent.reconfigure(config):
        return "-ERR the agent did not take it, see the log\n"
    agent.source = source
    answer = "".join(f"warning: {shown(warning)}\n" for warning in config.warnings)
    if config.event_queue_length != agent.queue_length:
        answer += f"event-queue-length stays {agent.queue_length} until the next restart\n"
    return f"{answer}+OK reloaded\n"


def _status(words: list[str]) -> str:
    agent = _office.running()
    if agent is None:
        return "-ERR is not running: python fs_hepipe start\n"
    report = status(agent)
    return as_json(report) if words[:1] == ["json"] else as_text(report)


def _metrics(words: list[str]) -> str:
    agent = _office.running()
    return as_prometheus(status(agent)) if agent is not None else "-ERR is not running\n"


def _test(words: list[str]) -> str:
    """Sends with sockets of its own, so that the agent's ledger stays the agent's."""
    agent = _office.running()
    config = agent.config if agent is not None else _configured(_office.arguments)[0]
    settings = config.settings
    switch_name = host.ask("switchname").strip() or "unknown"
    datagram = encode(_test_message(settings, switch_name))
    answers = [_try(address, datagram) for address in config.collectors]
    return "\n".join([*answers, f"look for {_test_call_id(switch_name)} in Homer's Logs"]) + "\n"


def _try(address: Address, datagram: bytes) -> str:
    """Sends a datagram and says what happened."""
    collector = Collector(str(address))
    try:
        collector.target = lookup(address.host, address.port)
        collector.send(datagram, time.time())
        collector.await_refusal(REFUSAL_WAIT, time.time())
    except TransportError as error:
        return f"-ERR {address}: {error}"
    finally:
        collector.close()
    if collector.last_error is not None:
        return f"-ERR {address}: {collector.last_error.text}"
    return f"+OK {address}: sent {len(datagram)} octets, nobody refused them (UDP is not acknowledged)"


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
    here = platform(host.version())
    lines = [
        f"fs_hepipe {VERSION}",
        f"FreeSWITCH {here.freeswitch or '(it does not say)'}",
        f"Python {here.python}",
        here.distribution or "the distribution does not say which it is",
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
    "version": _version,
}


# --- saying that something went wrong, when anything may be wrong ---


def _complain(message: str, *arguments: object) -> None:
    with contextlib.suppress(Exception):  # there is nowhere left to say it
        attach(host.write_log).error(message, *arguments)


def _answer_fault(stream: host.Stream, error: Exception) -> None:
    try:
        host.answer(stream, f"-ERR {say_what(error)}\n")
    except Exception as fault:
        _complain("could not answer: %s", say_what(fault))


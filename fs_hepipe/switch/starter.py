"""
The one agent of this switch: who runs, by which arguments, and how one is started.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Callable, Optional

from fs_hepipe.agent.config import CONFIGURATION, Config, examine, parse
from fs_hepipe.agent.log import LOGGER
from fs_hepipe.agent.loop import REQUEST_TIMEOUT, Agent
from fs_hepipe.switch import host
from fs_hepipe.switch.console import attach, complain
from fs_hepipe.switch.platform import Platform, platform
from fs_hepipe.version import VERSION

AS_BEFORE = "as-before"
"""The argument of a `runtime` that is to take those it had: an event tells whoever listens what `pyrun` was given."""

log = logging.getLogger(LOGGER)


class Current:
    """Who is running, and with which arguments it was started. There is one per switch."""

    def __init__(self) -> None:
        self.agent: Optional[Agent] = None
        self.arguments = ""
        """Of the last `runtime` that had good ones: they override the XML for as long as the switch lives."""
        self.lock = threading.Lock()
        """Held while an agent is made: a startup-script and an operator may come at once."""

    def running(self) -> Optional[Agent]:
        """The agent, where it has not ended."""
        return self.agent if self.agent is not None and not self.agent.ended.is_set() else None


current = Current()


def run(args: str) -> None:
    """
    Runs an agent in this thread until it ends; returns at once when one is running already.

    Raises:
        ConfigError: the configuration has problems.
    """
    with current.lock:
        if current.running() is not None:
            complain("is running already: this second start does nothing")
            return
        arguments = current.arguments if args.strip() == AS_BEFORE else args
        _, problems = examine(None, arguments)
        if not problems:  # what is wrong with the XML by now can be mended; bad arguments would stay for ever
            current.arguments = arguments
        config, source = configured(arguments)
        attach(host.write_log, config.log_level)
        agent = current.agent = Agent(config, host.Inlet, source, remarks=here().untested)
    for warning in config.warnings:
        log.warning(warning)
    if not agent.source.startswith(CONFIGURATION):
        log.warning("no %s was found: running by %s", CONFIGURATION, agent.source)
    log.info("%s starts, configured by %s, sending to %s", VERSION, source, ", ".join(map(str, config.collectors)))
    agent.run(host.channels, host.channel)
    log.info("has stopped")


def configured(arguments: str) -> tuple[Config, str]:
    """
    The configuration as the switch has it now, overridden by arguments, and where it came from in a word.

    Raises:
        ConfigError: it has problems.
    """
    can_ask = wait_for(host.answers)
    xml = host.configuration(CONFIGURATION)
    source = f"{CONFIGURATION}.xml" if xml is not None else "its defaults"
    if not can_ask:
        source += " (mod_commands is not loaded)"
    if arguments.strip():
        source += " and its arguments"
    return parse(xml, arguments), source


def here() -> Platform:
    """What we run on."""
    return platform(host.version())


def wait_for(condition: Callable[[], bool]) -> bool:
    """Waits for the switch or the agent's thread to take a step. Sleeping lets it have the interpreter."""
    deadline = time.monotonic() + REQUEST_TIMEOUT
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()

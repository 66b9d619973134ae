"""
The one agent of this FreeSWITCH: is it running, with which arguments, and how it is started.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import closing
from functools import partial
from typing import Any, Callable, Optional

from fs_hepipe.agent.config import CONFIGURATION, Config, examine, parse
from fs_hepipe.agent.log import LOGGER
from fs_hepipe.agent.loop import REQUEST_TIMEOUT, Agent
from fs_hepipe.agent.metrics import as_prometheus
from fs_hepipe.agent.scrape import Scrape
from fs_hepipe.agent.status import glance
from fs_hepipe.switch import host
from fs_hepipe.switch.console import attach, log_error
from fs_hepipe.switch.logfile import LogFile, named_in
from fs_hepipe.switch.platform import Platform, platform
from fs_hepipe.version import VERSION

AS_BEFORE = "as-before"
"""The argument that makes `runtime` use its last ones: an event shows every listener the arguments of `pyrun`."""

log = logging.getLogger(LOGGER)


def _log_file() -> tuple[str, str]:
    """The file that FreeSWITCH logs to, and what is wrong with it."""
    return named_in(host.configuration("logfile.conf"), host.ask("global_getvar log_dir").strip())


class Current:
    """The agent that runs, and its arguments. One per FreeSWITCH."""

    def __init__(self) -> None:
        self.agent: Optional[Agent] = None
        self.arguments = ""
        """The last valid arguments of `runtime`: they override the XML as long as FreeSWITCH runs."""
        self.log_file = LogFile(_log_file)
        """It goes on where the agent before has stopped."""
        self.scrape: Optional[Scrape] = None
        """What answers scrapers, as long as the agent runs."""
        self.inherited: Optional[dict[str, Any]] = None
        """What the agent of the version before has handed over: see `switch.upgrade`."""
        self.lock = threading.Lock()
        """Held while an agent is made: a startup-script and an operator may start one at the same time."""

    def running(self) -> Optional[Agent]:
        """The agent, if it has not ended."""
        return self.agent if self.agent is not None and not self.agent.ended.is_set() else None


current = Current()


def run(args: str) -> None:
    """
    Runs an agent in this thread until it ends; returns at once if one is running already.

    Raises:
        ConfigError: the configuration has problems.
    """
    with current.lock:
        if current.running() is not None:
            log_error("is running already: this second start does nothing")
            return
        arguments = current.arguments if args.strip() == AS_BEFORE else args
        _, problems = examine(None, arguments)
        if not problems:  # an error in the XML can be corrected later; bad arguments would stay
            current.arguments = arguments
        config, source = configured(arguments)
        attach(host.write_log, config.log_level)
        open_inlet = partial(host.Inlet, inherited=current.inherited)
        current.inherited = None
        agent = current.agent = Agent(
            config, open_inlet, source, remarks=here().untested, log_lines=current.log_file
        )
    try:
        _run(agent)
    finally:  # also if it never got as far as the loop: else it could not be started again
        agent.ended.set()
    log.info("has stopped")


def _run(agent: Agent) -> None:
    config = agent.config
    for warning in (*config.warnings, *config.cautions):
        log.warning(warning)
    if not agent.source.startswith(CONFIGURATION):
        log.warning("no %s was found: running with %s", CONFIGURATION, agent.source)
    collectors = ", ".join(map(str, config.collectors))
    log.info("%s starts, configured by %s, sending to %s", VERSION, agent.source, collectors)
    current.scrape = Scrape(lambda is_open: as_prometheus(glance(agent), is_open=is_open))
    with closing(current.scrape) as scrape:
        scrape.listen(config.metrics_listen)
        agent.run(host.channels, host.channel, host.sofia, host.measured)


def configured(arguments: str) -> tuple[Config, str]:
    """
    The configuration as FreeSWITCH has it now, overridden by arguments, and where it came from.

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
    """The platform we run on."""
    return platform(host.version())


def wait_for(condition: Callable[[], bool]) -> bool:
    """Waits for FreeSWITCH or the agent's thread; sleeping gives it the GIL."""
    deadline = time.monotonic() + REQUEST_TIMEOUT
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()

"""
The package that lies on disk now, in place of the one that runs: without a restart of FreeSWITCH, whose mod_python3
can't be unloaded and keeps Python's modules.

    python fs_hepipe upgrade            in fs_cli
    python fs_hepipe.switch.upgrade     the same, in a FreeSWITCH that still runs a version without that command

Rules:
1. The new package is imported, and reads the configuration, before anything of the running one ends. If it can't, the
   old modules are put back, and the agent that runs has noticed nothing.
2. No event is lost. The old agent empties its EventConsumer and leaves it open; it collects on in C until the new agent
   reads it. What passes from one version to the next is only that and plain values: see `hand_over` of `host.Inlet` and
   of `logfile.LogFile`.
3. Of the old package it uses what every version has had, and nothing is imported from it here, because this file may be
   newer than the modules beside it.
"""

from __future__ import annotations

import importlib
import logging
import sys
from types import ModuleType
from typing import Any, Optional

PACKAGE = "fs_hepipe"


def fsapi(session: Any, stream: Any, env: Any, args: Optional[str]) -> None:
    """`python fs_hepipe.switch.upgrade` in fs_cli."""
    try:
        text = upgrade()
    except Exception as error:  # noqa: BLE001  no exception leaves an entry point
        text = f"-ERR {type(error).__name__}: {error}\n"
    _module("host").answer(stream, text)


def upgrade() -> str:
    """Does it; the answer for fs_cli."""
    starter = _module("starter")
    current = starter.current
    if not current.lock.acquire(blocking=False):
        return "-ERR an agent is being started: try again\n"
    try:
        old = _take_out()
        try:
            importlib.import_module(f"{PACKAGE}.switch.entry_points")
            _module("starter").configured(current.arguments)
        except BaseException as error:  # noqa: BLE001  whatever the new package does, the old one goes on
            _put_back(old)
            return f"-ERR the new version can't be used, the agent goes on as it was: {_described(error)}\n"
        return _change(old, current)
    finally:
        current.lock.release()


def _change(old: dict[str, ModuleType], current: Any) -> str:
    """The running agent ends and the new one begins."""
    was, version = old[f"{PACKAGE}.version"].VERSION, sys.modules[f"{PACKAGE}.version"].VERSION
    agent = current.running()
    left = None
    if agent is not None:
        leave = getattr(agent, "leave", agent.stop)  # a version before had only this
        inlet = leave()
        left = inlet.hand_over() if inlet is not None else None
        if not old[f"{PACKAGE}.switch.starter"].wait_for(agent.ended.is_set):
            _put_back(old)
            return "-ERR the agent is still stopping: python fs_hepipe start, then try again\n"
    logging.getLogger(PACKAGE).handlers.clear()  # of the old one
    new = _module("starter").current
    new.arguments, new.inherited = current.arguments, left
    log_file = getattr(current, "log_file", None)  # 0.1.0 has none
    if log_file is not None:
        new.log_file.inherit(log_file.hand_over())
    if agent is None:
        return f"+OK {was} is replaced by {version}; the agent does not run\n"
    answer = _module("commands").answer("start")
    if answer.startswith("-ERR"):
        _put_back(old)
        current.inherited = left
        current.lock.release()  # it is started again
        try:
            again = _module("commands").answer("start")
        finally:
            current.lock.acquire()
        return f"-ERR {version} did not start ({answer.strip()}); {was}: {again}"
    return f"+OK {was} is replaced by {version}; calls in progress were read again\n"


def _module(name: str) -> Any:
    """A module of `switch`, as it is in use now."""
    return sys.modules[f"{PACKAGE}.switch.{name}"]


def _ours() -> list[str]:
    return [name for name in sys.modules if name == PACKAGE or name.startswith(f"{PACKAGE}.")]


def _take_out() -> dict[str, ModuleType]:
    """Makes Python import the package anew; what it has been."""
    importlib.invalidate_caches()
    return {name: sys.modules.pop(name) for name in _ours()}


def _put_back(old: dict[str, ModuleType]) -> None:
    for name in _ours():
        del sys.modules[name]
    sys.modules.update(old)


def _described(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:1000]

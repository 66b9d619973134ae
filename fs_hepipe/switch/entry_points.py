"""
The entry points that mod_python3 calls. No exception leaves them: one that does can kill FreeSWITCH, because
mod_python3 copies its text into a buffer of 20 KiB without a length check (mod_python3.c:print_python_error, measured).

    runtime(args)                         startup-script, pyrun: runs the agent in the thread it is given
    fsapi(session, stream, env, args)     `python fs_hepipe …` from fs_cli
    handler(session, args)                `<action application="python" data="fs_hepipe log …"/>`
"""

from __future__ import annotations

from typing import Any, Optional

from fs_hepipe.agent.config import names_secret
from fs_hepipe.switch import host
from fs_hepipe.switch.commands import answer
from fs_hepipe.switch.console import log_error
from fs_hepipe.switch.starter import run
from fs_hepipe.words.errors import ConfigError
from fs_hepipe.words.text import describe_error, shown


def runtime(args: str) -> None:
    """Runs the agent until it is stopped or FreeSWITCH shuts down; returns at once if one is running already."""
    try:
        run(args)
    except ConfigError as error:
        for problem in error.problems:
            log_error(problem)  # not as an argument: each problem is a message of its own
        log_error("not started: the configuration has problems")
    except (KeyboardInterrupt, SystemExit):
        pass
    except Exception as error:
        log_error("ended: %s", describe_error(error))


def fsapi(session: Any, stream: host.Stream, env: Any, args: Optional[str]) -> None:
    """Answers a command of fs_cli on `stream`."""
    try:
        host.answer(stream, answer(args or ""))
    except (KeyboardInterrupt, SystemExit):
        pass
    except Exception as error:
        _answer_error(stream, error)


def handler(session: Any, args: Optional[str]) -> None:
    """`log TEXT` from the dialplan: a line in the log of the session's call."""
    try:
        command, _, text = (args or "").strip().partition(" ")
        if command != "log" or not text.strip():
            what = "this (not shown: a password may be in it)" if names_secret(args or "") else shown(args or "", 80)
            log_error("dialplan: %r is not: log TEXT", what)
            return
        if not host.fire_log(session.get_uuid(), session.getVariable("sip_call_id"), text.strip()):
            log_error("dialplan: the line was not logged: FreeSWITCH does not take the channel's id and Call-ID")
    except (KeyboardInterrupt, SystemExit):
        pass
    except Exception as error:
        log_error("dialplan: %s", describe_error(error))


def _answer_error(stream: host.Stream, error: Exception) -> None:
    try:
        host.answer(stream, f"-ERR {describe_error(error)}\n")
    except Exception as second:
        log_error("could not answer: %s", describe_error(second))

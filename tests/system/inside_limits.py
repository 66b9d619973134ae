"""
The stories and every command of fs_cli as the switch's threads have it: 240 KiB of stack, a recursion limit of 240,
import included. Run as a program, because both limits are the whole interpreter's; prints what came of it as JSON.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
STACK_SIZE = 240 * 1024
LIMIT = 240


def endless(*arguments: object, **named: object) -> None:
    endless(*arguments, **named)


def overflow(system: Any) -> None:
    """A mapper that runs into the limit."""
    from fs_hepipe.reports import pipeline
    from tests.system.harness import story

    call_log = vars(pipeline)["call_log"]
    vars(pipeline)["call_log"] = endless
    system.fire(story("busy_486"))
    vars(pipeline)["call_log"] = call_log


def main() -> None:
    from freeswitch import switch

    switch.startup_script("fs_hepipe capture-server=udp:127.0.0.1:9 call-log-format=full")  # imports the package
    from tests.system.harness import STORIES, Homer, System, story, wait_for
    from tests.system.test_stories import LOGGED

    system, homer = System(), Homer()
    wait_for(lambda: system.ask("status").startswith("fs_hepipe"))
    switch.python("fs_hepipe stop")
    switch.configure("fs_hepipe.conf", "<configuration name='fs_hepipe.conf'/>")
    system.start(f"capture-server={homer.server} call-events={','.join(LOGGED)}")
    for name in STORIES:
        system.fire(story(name))
    built = system.agent.counters.ledger().built
    overflow(system)
    answers = {name: system.ask(name) for name in ("", "status", "status json", "metrics", "test", "version", "help")}
    answers["bad"] = system.ask("\udce9" * 5000)
    system.configure(capture_server=[homer.server, "udp:127.0.0.1:9"], qos_type="32,34,35,99")
    answers["reload"] = system.ask("reload")
    agent = system.shutdown()
    result = {
        "answers": answers,
        "balances": agent.counters.ledger().balances and agent.collectors.balances,
        "failed": agent.counters.failed,
        "built": built,
        "arrived": len(homer.messages(built + 2)),
        "legs": len(agent.pipeline.legs),
        "log": [line for line in switch.log if line.level not in {"info", "notice"}],
        "limits": [sys.getrecursionlimit(), threading.stack_size()],
    }
    homer.close()
    print(json.dumps(result))


if __name__ == "__main__":
    sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent / "fakes")]
    sys.setrecursionlimit(LIMIT)
    threading.stack_size(STACK_SIZE)
    thread = threading.Thread(target=main)
    thread.start()
    thread.join()

"""A script of the switch's, `python probe`: what the interpreter is and holds, as JSON."""

from __future__ import annotations

import gc
import json
import platform
import sys
import threading
from typing import Any

import freeswitch


def fsapi(session: object, stream: Any, env: object, args: str) -> None:
    """Answers with what there is at this moment."""
    gc.collect()  # what is counted is what stays
    found = gc.get_objects()
    answer = {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "consumers": sum(type(each) is freeswitch.EventConsumer for each in found),
        "threads": [thread.name for thread in threading.enumerate()],
        "blocks": sys.getallocatedblocks(),
    }
    stream.write(json.dumps(answer))

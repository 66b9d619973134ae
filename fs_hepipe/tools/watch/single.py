"""
Calls -> one HTML file that holds everything: the page's own scripts and styles, uPlot, and the calls with all their
messages. It asks nobody for anything: its policy allows only what is in it, by hash.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path

from fs_hepipe.tools.watch.look import call_as_seen, message_as_seen
from fs_hepipe.tools.watch.store import Found

PAGE = Path(__file__).parent / "page"

_import = re.compile(r"^import .*?;\n", re.MULTILINE).sub
_export = re.compile(r"^export ", re.MULTILINE).sub
_imported = re.compile(r'^import .*? from "\./([a-z]+\.js)";$', re.MULTILINE).findall


def single_file(calls: Iterable[Found]) -> bytes:
    """The file, in UTF-8."""
    found = [
        {**call_as_seen(call), "messages": {kept.number: message_as_seen(kept) for kept in call.messages}}
        for call in calls
    ]
    data = json.dumps({"calls": found}, separators=(",", ":"), ensure_ascii=True).replace("<", "\\u003c")
    style = _read("vendor/uPlot.min.css") + _read("style.css")
    scripts = [_read("vendor/uPlot.iife.min.js"), _joined("app.js")]
    policy = (
        f"default-src 'none'; script-src {' '.join(map(_hash, scripts))}; style-src {_hash(style)}; base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    page = _read("index.html")
    head = (
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n<style>{style}</style>\n'
        f'<script type="application/json" id="data">{data}</script>\n<script>{scripts[0]}</script>\n'
        f'<script type="module">{scripts[1]}</script>\n'
    )
    before, _, rest = page.partition("<!-- files -->\n")
    _, _, after = rest.partition("<!-- end of files -->\n")
    return (before + head + after).encode()


def _read(name: str) -> str:
    return (PAGE / name).read_text(encoding="utf-8")


def _joined(name: str) -> str:
    """A module and those that it imports, each once and before the first that needs it, as one."""
    order: list[str] = []

    def visit(each: str) -> None:
        if each not in order:
            for other in _imported(_read(each)):
                visit(other)
            order.append(each)

    visit(name)
    return "".join(_export("", _import("", _read(each))) for each in order)


def _hash(text: str) -> str:
    """As CSP names an inline script or style (CSP 3 §2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

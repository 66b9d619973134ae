"""
`check --fleet DIR`: the configurations of many switches, each by itself and all against each other.

    DIR/fs_hepipe.conf.xml          the one that all have that have none of their own
    DIR/SWITCH/vars.xml             what $${...} in it means on this switch (X-PRE-PROCESS, cmd set)
    DIR/SWITCH/fs_hepipe.conf.xml   its own, also below autoload_configs
    DIR/SWITCH.xml                  its own, without variables
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Optional

from fs_hepipe.agent.config import CONFIGURATION, MAX_XML, Config, examine
from fs_hepipe.delivery.group import all_addresses
from fs_hepipe.tools.output import complain, named, say

NAME = f"{CONFIGURATION}.xml"

_comments = re.compile(r"<!--.*?-->", re.DOTALL).sub
_SET = re.compile(r"""<X-PRE-PROCESS\s+cmd=["']set["']\s+data=(["'])\s*([^=\s]+?)\s*=(.*?)\1\s*/>""", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\$\{([^}]*)\}")


class Member(NamedTuple):
    """One switch."""

    name: str
    config: Config
    problems: Sequence[str]


def members(folder: Path) -> Iterator[Member]:
    """
    The switches of a fleet, by name.

    Raises:
        OSError: a file or the folder can't be read.
        UnicodeDecodeError: a file is not UTF-8.
    """
    shared = folder / NAME
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            own = [path / NAME, path / "autoload_configs" / NAME, shared]
            yield _member(path.name, next((each for each in own if each.is_file()), None), path / "vars.xml")
        elif path.suffix == ".xml" and path != shared:
            yield _member(path.stem, path, None)


def _member(name: str, xml: Optional[Path], variables: Optional[Path]) -> Member:
    if xml is None:
        return Member(name, Config(), [f"has no {NAME}, and there is none for all"])
    values: dict[str, str] = {}
    if variables is not None and variables.is_file():
        for found in _SET.finditer(_comments("", _text(variables))):
            values[found[2]] = _expanded(found[3], values)[0]
    text, unset = _expanded(_text(xml), values)
    config, problems = examine(text)
    return Member(name, config, [*(f"$${{{each}}} is set nowhere in vars.xml" for each in unset), *problems])


def _text(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        return file.read(MAX_XML + 1)


def _expanded(text: str, values: dict[str, str]) -> tuple[str, list[str]]:
    """The text with its variables replaced, and those that are not set, which FreeSWITCH makes empty."""
    unset = dict.fromkeys(name for name in _VARIABLE.findall(_comments("", text)) if name not in values)
    return _VARIABLE.sub(lambda found: values.get(found[1], ""), text), list(unset)


def run(folder: Path) -> int:
    """Prints what is wrong; the exit status."""
    try:
        fleet = list(members(folder))
    except OSError as error:
        complain(f"error: {named(error.filename or folder)}: {error.strerror}")
        return 1
    except UnicodeDecodeError:
        complain(f"error: {named(folder)}: a file in it is not valid UTF-8")
        return 1
    if not fleet:
        complain(f"error: {named(folder)}: no switch in it: neither a folder nor NAME.xml")
        return 1
    errors = 0
    width = max(len(each.name) for each in fleet)
    for each in fleet:
        settings = each.config.settings
        collectors = ", ".join(map(str, all_addresses(each.config.collectors)))
        node = settings.node_name or "(the switch name)"
        say(f"{each.name:<{width}}  capture id {settings.capture_id:<10}  node {node:<20}  {collectors}")
        for problem in (*each.problems, *each.config.warnings):
            complain(f"error: {each.name}: {problem}")
            errors += 1
    good = [each for each in fleet if not each.problems]
    for what, values in (
        ("capture-id", [str(each.config.settings.capture_id) for each in good]),
        ("node-name", [each.config.settings.node_name for each in good]),
    ):
        for value in sorted({value for value in values if value is not None and values.count(value) > 1}):
            same = ", ".join(each.name for each, own in zip(good, values) if own == value)
            complain(f"error: {what} {value} is that of {same}: Homer could not tell them apart")
            errors += 1
    say(f"{len(fleet)} switches, {errors} errors" if errors else f"{len(fleet)} switches: all good")
    return 1 if errors else 0

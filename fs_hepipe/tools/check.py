"""`check`: is this configuration valid, do its names resolve, which events will be bound."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Optional

from fs_hepipe.agent.config import CONFIGURATION, MAX_XML, Config, examine
from fs_hepipe.delivery.group import all_addresses
from fs_hepipe.delivery.resolve import addresses, no_route
from fs_hepipe.reports.bindings import bindings
from fs_hepipe.tools import fleet
from fs_hepipe.tools.output import complain, named, say
from fs_hepipe.tools.render import endpoint
from fs_hepipe.words.errors import TransportError

FILE = f"autoload_configs/{CONFIGURATION}.xml"
PLACES = (
    Path("/etc/freeswitch", FILE),
    Path("/usr/local/freeswitch/conf", FILE),
    Path("conf", FILE),
)
"""Where a configuration is looked for if none is given: Debian's package, a build from source, this project."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", nargs="?", type=Path, metavar="CONFIG.xml", help=f"default: the first {FILE} found")
    parser.add_argument(
        "--fleet", type=Path, metavar="DIR",
        help="the configurations of many switches: DIR/SWITCH/vars.xml and one fs_hepipe.conf.xml for all or for each",
    )  # fmt: skip
    add_settings(parser)


def add_settings(parser: argparse.ArgumentParser) -> None:
    """The option that overrides single parameters."""
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", dest="settings",
        help="override a parameter, as in the startup-script's arguments",
    )  # fmt: skip


def read(config: Optional[Path], settings: list[str]) -> tuple[Config, list[str]]:
    """The configuration of a file (None: the defaults), overridden by settings, and its problems."""
    try:
        xml = _text(config) if config is not None else None
    except OSError as error:
        return Config(), [f"{named(config)}: {error.strerror}"]
    except UnicodeDecodeError:  # its own text repeats an octet
        return Config(), [f"{named(config)}: is not valid UTF-8"]
    except ValueError as error:  # a name that no file can have
        return Config(), [f"{named(config)}: {error}"]
    return examine(xml, shlex.join(settings))


def _text(config: Path) -> str:
    """The text of a file, at most one character more than is allowed."""
    with config.open(encoding="utf-8") as file:
        return file.read(MAX_XML + 1)


def run(args: argparse.Namespace) -> int:
    if args.fleet is not None:
        return fleet.run(args.fleet)
    config = args.config or next((place for place in PLACES if place.exists()), None)
    say(f"configuration  {named(config.absolute()) if config else 'none found: the defaults'}")
    found, problems = read(config, args.settings)
    if problems and config is not None and not config.is_file():
        complain(f"error: {problems[0]}")
        return 1
    problems += found.warnings
    for address in all_addresses(found.collectors):
        try:
            targets = addresses(address.host, address.port)
        except TransportError as error:
            hint = " ($${…} is expanded by FreeSWITCH: use python fs_hepipe reload)" if "$" in address.host else ""
            problems.append(f"capture-server: {error}{hint}")
            continue
        reason = no_route(targets[0])  # those that can be reached come first
        if reason is not None:
            problems.append(f"capture-server: {address} can't be reached from this machine: {reason.strerror}")
        literals = ", ".join(endpoint(str(found[0]), address.port) for _, found in targets)
        say(f"collector      {address}" + ("" if str(address) == f"udp:{literals}" else f" is {literals}"))
    events = [name if not subclass else f"{name} {subclass}" for name, subclass in bindings(found.settings)]
    say(f"events         {len(events)} are bound")
    for event in events:
        say(f"               {event}")
    for problem in problems:
        complain(f"error: {problem}")
    if not problems:
        say("this configuration is good")
    return 1 if problems else 0

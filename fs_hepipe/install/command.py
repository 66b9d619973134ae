"""`install-into-switch`: copies the package, construct and both XML into FreeSWITCH's folders, or removes them."""

from __future__ import annotations

import argparse
import errno
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from fs_hepipe.install import folders, source
from fs_hepipe.install.listing import NAME as LIST
from fs_hepipe.install.listing import Listing
from fs_hepipe.install.python import DEFAULT, Python
from fs_hepipe.install.report import InstallError, Steps, complain, say
from fs_hepipe.install.tree import Tree
from fs_hepipe.install.xml import LOADS_PYTHON, STARTS_US, Autoload
from fs_hepipe.version import CONSTRUCT

PLACES = f"""\
Folders that are not given are looked for in the usual places, below $DESTDIR where that is set:
  scripts  {" ".join(map(str, folders.SCRIPTS))}
  conf     {" ".join(map(str, folders.CONFS))}
construct is downloaded by pip where it is missing; PIP_FIND_LINKS=FOLDER names a folder with a wheel of it.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = PLACES
    # fmt: off
    parser.add_argument("--scripts", type=Path, metavar="DIR",
                        help="FreeSWITCH's script folder (fs_cli: global_getvar script_dir)")
    parser.add_argument("--conf", type=Path, metavar="DIR",
                        help="its configuration folder (fs_cli: global_getvar conf_dir)")
    parser.add_argument("--python", type=Path, metavar="FILE", default=DEFAULT,
                        help=f"the Python that mod_python3 is linked with; default {DEFAULT}")
    parser.add_argument("--uninstall", action="store_true",
                        help="remove what it installed; XML files that were edited stay")
    parser.add_argument("--dry-run", action="store_true", help="show what it would do, and do nothing")
    # fmt: on


def main(arguments: Sequence[str], prog: str) -> int:
    """Runs it by itself, as `scripts/install` does; the exit status."""
    parser = argparse.ArgumentParser(prog=prog, description="Installs fs_hepipe into FreeSWITCH, or updates it.")
    add_arguments(parser)
    return run(parser.parse_args(arguments))


def run(args: argparse.Namespace) -> int:
    os.umask(0o022)  # FreeSWITCH's user has to read what root installs; the XML has a mode of its own
    try:
        (_uninstall if args.uninstall else _install)(args)
    except InstallError as error:
        for line in error.lines:
            complain(f"error: {line}")
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        again = "; make room and run it again" if error.errno == errno.ENOSPC else ""
        complain(f"error: {where}{error.strerror}{again}")
        return 1
    return 0


def _install(args: argparse.Namespace) -> None:
    scripts = folders.place("--scripts", args.scripts, folders.SCRIPTS)
    conf = folders.place("--conf", args.conf, folders.CONFS)
    python = Python(args.python)
    autoload = conf / "autoload_configs"
    if not autoload.is_dir():
        raise InstallError(f"{autoload}: there is no such folder; is {conf} FreeSWITCH's configuration?")
    _Installation(scripts, autoload, python, Steps(dry_run=args.dry_run)).install()


class _Installation:
    """One run."""

    def __init__(self, scripts: Path, autoload: Path, python: Python, steps: Steps) -> None:
        self.scripts = scripts
        self.python = python
        self.steps = steps
        self.tree = Tree(scripts)
        self.listing = Listing(self.tree)
        self.xml = Autoload(autoload, self.listing, steps)
        self.construct = self.listing.construct

    def install(self) -> None:
        self._check()
        is_current, was_there = self._package_is_current(), self.listing.exists
        if self.python.has_construct(self.scripts):
            say(f"construct is there already: {self.python.file} finds it")
        else:
            self._get_construct()
        if is_current:
            say(f"{self.scripts / 'fs_hepipe'} is there already")
        else:
            count = len(source.package_files())
            self.steps.act(f"copy the package, {count} files, to {self.scripts / 'fs_hepipe'}", self._copy_package)
        for name in source.XML:
            self.xml.put(name)
        if not self.steps.dry_run:
            self._write_list(source.package_files())
            self.python.compile(self.scripts, self.listing.folders)
            self._try()
        self._next_steps(upgraded=was_there and not is_current)

    def _check(self) -> None:
        package = self.scripts / "fs_hepipe"
        if folders.belongs_to_dpkg(package):
            raise InstallError(f"{package} is the Debian package's: apt-get install fs-hepipe updates it")
        folders.check_writable(self.scripts)
        folders.check_writable(self.xml.folder)
        self._no_links("fs_hepipe")
        if package.exists() and not self.listing.exists:
            raise InstallError(f"{package} was not put there by this script: move it away first")
        _check_list(self.scripts, self.listing)

    def _no_links(self, folder: str) -> None:
        """What is written into a folder that is a symbolic link, or has one, would go elsewhere."""
        link = self.tree.first_link(folder)
        if link is not None:
            raise InstallError(f"{link} is a symbolic link: remove it first")

    # --- construct ---

    def _get_construct(self) -> None:
        theirs = self.scripts / "construct"
        self._no_links("construct")
        if theirs.exists() and not self.construct:
            raise InstallError(f"{theirs} is not {CONSTRUCT} and was not put there by this script: move it away first")
        with tempfile.TemporaryDirectory() as folder:  # in a dry run too: only then it is known whether it can be had
            files = self.python.get_construct(Path(folder))
        self.steps.act(f"install {CONSTRUCT} into {self.scripts}", lambda: self._put_construct(files))

    def _put_construct(self, files: dict[str, bytes]) -> None:
        self._remove(self.construct)
        self.tree.sweep("construct")
        self.construct = sorted(files)
        self._write_list(self.listing.package)  # what the package before had is still to be removed
        for name in sorted(files, key=lambda name: (name == "construct/version.py", name)):
            self.tree.write(name, files[name])  # the version last: a run that was broken off is seen by its absence

    # --- the package ---

    def _package_is_current(self) -> bool:
        files = source.package_files()
        return files == [path for path in self.listing.package if path in files or self.tree.is_file(path)] and all(
            self.tree.read(path) == source.content(path) for path in files
        )

    def _copy_package(self) -> None:
        self._remove(sorted(set(self.listing.package).difference(source.package_files())))
        self.tree.sweep("fs_hepipe")
        self._write_list(source.package_files())  # first, so that a copy that is broken off is known to be ours
        for path in source.package_files():
            self.tree.write(path, source.content(path))

    def _remove(self, paths: Sequence[str]) -> None:
        for path in paths:
            if not self.tree.remove(path):
                say(f"keep {self.scripts / path}, which is no plain file there")

    def _write_list(self, package: Sequence[str]) -> None:
        try:
            self.listing.write(package, self.construct)
        except OSError:
            self.tree.sweep("fs_hepipe")  # an empty folder would be somebody else's at the next run
            raise

    # --- afterwards ---

    def _try(self) -> None:
        if self.construct:
            self.python.check_import(self.scripts, "construct")
        elif (self.scripts / "construct").exists():
            theirs = self.scripts / "construct"
            say(f"not tried: whether fs_hepipe can be imported, because {theirs} is not ours to run")
        else:
            self.python.check_import(self.scripts)

    def _next_steps(self, *, upgraded: bool) -> None:
        xml = self.xml
        todo = []
        if not xml.has("modules.conf.xml", LOADS_PYTHON):
            todo.append(
                f'in {xml.folder}/modules.conf.xml, after mod_commands:  <load module="mod_python3"/>'
            )
        if (xml.folder / "python.conf.xml").exists() and not xml.has("python.conf.xml", STARTS_US):
            todo.append(f'in {xml.folder}/python.conf.xml:  <param name="startup-script" value="fs_hepipe"/>')
        todo.append(f"in {xml.folder}/fs_hepipe.conf.xml: your collector (capture-server)")
        if os.geteuid() == 0 and xml.owner == (0, 0):
            both = f"{xml.folder}/{{fs_hepipe,python}}.conf.xml"
            todo.append(f"if FreeSWITCH does not run as root, let its group read both:  chgrp GROUP {both}")
        todo.append("in fs_cli:  reloadxml")
        say("")
        say("What is left to do:")
        for line in todo:
            say(f"  - {line}")
        say("                load mod_python3      where it is not loaded yet; it starts the agent")
        say("                python fs_hepipe      starts it where it does not run, and shows its status")
        if upgraded:
            say("                python fs_hepipe.switch.upgrade    where it runs: it goes on with what it has loaded")


def _check_list(scripts: Path, listing: Listing) -> None:
    """Says which lines of the list are not believed."""
    for line in listing.ignored:
        say(f"ignore a line of {scripts / LIST} that this script did not write: {line!r}")


def _uninstall(args: argparse.Namespace) -> None:
    scripts = folders.place("--scripts", args.scripts, folders.SCRIPTS)
    tree, steps = Tree(scripts), Steps(dry_run=args.dry_run)
    package = scripts / "fs_hepipe"
    if folders.belongs_to_dpkg(package):
        raise InstallError(f"{package} is the Debian package's: apt-get remove fs-hepipe removes it")
    link = tree.first_link("fs_hepipe")
    if link is not None:
        raise InstallError(f"{link} is a symbolic link: remove it first")
    listing = Listing(tree)
    if not listing.exists:
        say(f"nothing to remove: this script has not installed anything in {scripts}")
        return
    folders.check_writable(scripts)
    folders.check_writable(package)
    autoloads = sorted({path.parent for path in listing.sums})
    for folder in autoloads:
        if folder.is_dir():
            folders.check_writable(folder)
    _check_list(scripts, listing)
    for folder in autoloads:
        Autoload(folder, listing, steps).remove()
    ours = " ".join(str(scripts / each) for each in listing.folders)
    steps.act(f"remove {ours}", lambda: _remove_package(scripts, tree, listing))
    say("A running FreeSWITCH keeps the agent that it has loaded until it is restarted")


def _remove_package(scripts: Path, tree: Tree, listing: Listing) -> None:
    for path in sorted(listing.files):
        if not tree.remove(path):
            say(f"keep {scripts / path}, which is no plain file there")
    tree.remove(LIST)
    for folder in listing.folders:
        tree.sweep(folder)
        if (scripts / folder).exists():
            say(f"keep {scripts / folder}: there are files of somebody else in it")

"""
Both XML files in FreeSWITCH's autoload_configs. Only FreeSWITCH may read them, because they may hold the password; one
that was edited stays.
"""

from __future__ import annotations

import grp
import os
import re
import stat
from contextlib import suppress
from pathlib import Path

from fs_hepipe.install import source
from fs_hepipe.install.listing import Listing, sum_of
from fs_hepipe.install.report import Steps, say
from fs_hepipe.install.tree import Tree

GROUP = "freeswitch"

_comments = re.compile(rb"<!--.*?-->", re.DOTALL).sub

STARTS_US = rb'name="startup-script"\s+value="fs_hepipe[ "]'
LOADS_PYTHON = rb'module="mod_python3"'


class Autoload:
    """The folder autoload_configs of FreeSWITCH's configuration."""

    def __init__(self, folder: Path, listing: Listing, steps: Steps) -> None:
        self.folder = folder
        self._tree = Tree(folder)
        self._listing = listing
        self._steps = steps

    def put(self, name: str) -> None:
        """Puts an XML file there, or the new one beside one that was edited."""
        new, path = source.xml(name), self.folder / name
        old = self._tree.read(name)
        if old is None and not path.exists() and not path.is_symlink():
            self._steps.act(f"put {path} there", lambda: self._write(name, new))
        elif old == new:
            say(f"{path} is there already")
            self._remember(name, new)
        elif self._listing.is_ours(path, old):
            self._steps.act(f"replace {path}, which nobody has edited", lambda: self._write(name, new))
        else:
            self._steps.act(
                f"keep {path}, which is not as it was delivered; the new one goes to {path}.new",
                lambda: self._write(f"{name}.new", new),
            )
        if name == source.XML[0] and self._tree.is_file(name) and path.lstat().st_mode & stat.S_IRWXO:
            self._steps.act(f"let only FreeSWITCH read {path}", lambda: self._tree.prepare(name, self._close))

    def _write(self, name: str, content: bytes) -> None:
        self._tree.write(name, content, self._close)
        self._remember(name, content)

    def _remember(self, name: str, content: bytes) -> None:
        self._listing.sums[self.folder / name] = {sum_of(content)}

    def _close(self, descriptor: int) -> None:
        """Lets only FreeSWITCH, and who installs, read a file."""
        if os.geteuid() == 0:
            os.fchown(descriptor, *self.owner)
        else:
            with suppress(OSError):  # we may not be in that group
                os.fchown(descriptor, -1, self.owner[1])
        os.fchmod(descriptor, 0o640)

    @property
    def owner(self) -> tuple[int, int]:
        """User and group of the XML: those of FreeSWITCH's configuration, or the group of its name."""
        folder = self.folder.stat()
        if (folder.st_uid, folder.st_gid) == (0, 0):
            with suppress(KeyError):
                return 0, grp.getgrnam(GROUP).gr_gid
        return folder.st_uid, folder.st_gid

    def has(self, name: str, pattern: bytes) -> bool:
        """Whether an XML file says something outside of comments."""
        try:
            text = (self.folder / name).read_bytes()
        except OSError:
            return False
        return re.search(pattern, _comments(b"", text)) is not None

    def remove(self) -> None:
        """Removes what an earlier run put there; what was edited stays."""
        for path in sorted(self._listing.sums):
            if path.parent != self.folder:
                continue
            content = self._tree.read(path.name)
            if self._listing.is_ours(path, content):
                self._steps.act(f"remove {path}", lambda name=path.name: self._tree.remove(name))  # type: ignore[misc]
            elif path.exists() and not path.is_symlink():
                say(f"keep {path}, which has been edited")
        for name, pattern, line in (
            ("python.conf.xml", STARTS_US, '<param name="startup-script" value="fs_hepipe..."/>'),
            ("modules.conf.xml", LOADS_PYTHON, '<load module="mod_python3"/>'),
        ):
            if self.has(name, pattern) and not self._is_removed(name):
                why = "still starts fs_hepipe" if pattern is STARTS_US else "still loads mod_python3"
                unless = "" if pattern is STARTS_US else ", unless another script needs it"
                say(f"{self.folder / name} {why}: remove {line}{unless}")

    def _is_removed(self, name: str) -> bool:
        """Whether it would be gone by now, if this were not only a dry run."""
        return self._listing.is_ours(self.folder / name, self._tree.read(name))

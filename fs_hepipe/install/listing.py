"""
`fs_hepipe/.installed` in the script folder: what was installed, one per line.

    file PATH            relative to the script folder
    xml SHA256 PATH      as it was when it was put there

Whoever may write into the script folder may have changed it, so only lines are believed that the installer can have
written.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Optional

from fs_hepipe.install.source import LIST
from fs_hepipe.install.tree import Tree

NAME = f"fs_hepipe/{LIST}"

_FILE = re.compile(
    r"file (?P<path>(?:fs_hepipe|construct|construct-[0-9][0-9A-Za-z.]*\.dist-info)"
    r"(?:/[0-9A-Za-z_+-][0-9A-Za-z._+-]*)+)"
)
_XML = re.compile(
    r"xml (?P<sum>[0-9a-f]{64}) "
    r"(?P<path>/(?:[^\x00-\x1f\x7f]*/)?autoload_configs/(?:fs_hepipe|python)\.conf\.xml(?:\.new)?)"
)


def sum_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Listing:
    """What an earlier run installed; empty if there was none."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        text = tree.read(NAME)
        self.exists = text is not None
        self.files: set[str] = set()
        self.sums: dict[Path, set[str]] = {}
        """XML file -> the checksums that it was installed with."""
        self.ignored: list[str] = []
        """Lines that are not believed."""
        for line in (text or b"").decode("utf-8", "surrogateescape").splitlines():
            file, xml = _FILE.fullmatch(line), _XML.fullmatch(line)
            if file is not None:
                self.files.add(file["path"])
            elif xml is not None and "/../" not in xml["path"] and "/./" not in xml["path"]:
                self.sums.setdefault(Path(xml["path"]), set()).add(xml["sum"])
            else:
                self.ignored.append(line)

    @property
    def package(self) -> list[str]:
        return sorted(path for path in self.files if path.startswith("fs_hepipe/"))

    @property
    def construct(self) -> list[str]:
        return sorted(self.files.difference(self.package))

    @property
    def folders(self) -> list[str]:
        """The top folders of the files."""
        return sorted({path.partition("/")[0] for path in self.files})

    def is_ours(self, path: Path, content: Optional[bytes]) -> bool:
        """Whether an XML file with this content is, octet for octet, one that an earlier run installed."""
        return content is not None and sum_of(content) in self.sums.get(path, ())

    def write(self, package: Iterable[str], construct: Iterable[str]) -> None:
        """Writes the list, with these files."""
        self.files = {*package, *construct}
        lines = [f"file {path}" for path in sorted(self.files)]
        lines += [f"xml {each} {path}" for path, sums in sorted(self.sums.items()) for each in sorted(sums)]
        self._tree.write(NAME, "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"))
        self.exists = True

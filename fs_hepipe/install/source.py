"""What is installed: the files of this package, and its XML, in a checkout or in an installed wheel."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]

XML = ("fs_hepipe.conf.xml", "python.conf.xml")
"""In FreeSWITCH's autoload_configs."""

CONF = "conf"
"""The project's folder, and in the package what a wheel carries of it: that is not installed."""

LIST = ".installed"
"""Where the package was installed by this: what was; see `listing`."""


def conf() -> Path:
    """The folder `conf` of the project."""
    carried = PACKAGE / CONF
    return carried if carried.is_dir() else PACKAGE.parent / CONF


def package_files() -> list[str]:
    """The files of the package, as `fs_hepipe/...`, in order."""
    found = []
    for path in PACKAGE.rglob("*"):
        where = path.relative_to(PACKAGE)
        is_left_out = where.parts[0] == CONF or "__pycache__" in where.parts or where.name == LIST
        if path.is_file() and not is_left_out:
            found.append(f"fs_hepipe/{where.as_posix()}")
    return sorted(found)


def content(path: str) -> bytes:
    """What is in a file of the package."""
    return (PACKAGE.parent / path).read_bytes()


def xml(name: str) -> bytes:
    """An XML file as it is delivered."""
    return (conf() / "autoload_configs" / name).read_bytes()

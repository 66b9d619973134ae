"""Where FreeSWITCH is on this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional

from fs_hepipe.install.report import InstallError

SCRIPTS = (Path("/usr/share/freeswitch/scripts"), Path("/usr/local/freeswitch/scripts"))
CONFS = (Path("/etc/freeswitch"), Path("/usr/local/freeswitch/conf"))

DPKG = Path("/var/lib/dpkg/info/fs-hepipe.list")
"""There as long as the Debian package is installed."""


def place(option: str, chosen: Optional[Path], usual: tuple[Path, ...]) -> Path:
    """
    The folder that was named, or the only usual one that there is, below $DESTDIR; without links.

    Raises:
        InstallError: there is none, or there are two.
    """
    if chosen is not None:
        if not chosen.is_dir():
            raise InstallError(f"{chosen}: there is no such folder ({option})")
        return chosen.resolve()
    places = [below(folder) for folder in usual]
    found = [str(folder) for folder in places if folder.is_dir()]
    if not found:
        raise InstallError(f"none of {' '.join(map(str, places))} is there: name FreeSWITCH's folder with {option} DIR")
    if len(found) > 1:
        raise InstallError(f"{' '.join(found)} are all there: choose one with {option} DIR")
    return Path(found[0]).resolve()


def below(folder: Path) -> Path:
    """A folder of the machine that is installed on: $DESTDIR is its root."""
    return Path(os.environ.get("DESTDIR", "") + str(folder))


def check_writable(folder: Path) -> None:
    """
    Raises:
        InstallError: we may not write there, or nobody may.
    """
    if os.access(folder, os.W_OK | os.X_OK):
        return
    if folder.exists() and os.statvfs(folder).f_flag & os.ST_RDONLY:
        raise InstallError(
            f"{folder}: its file system is mounted read-only. Mount it for writing, or install where the image of this "
            "machine is made"
        )
    raise InstallError(f"{folder}: no permission to write there, try it as root or as its owner")


def belongs_to_dpkg(package: Path) -> bool:
    """Whether the package in the script folder was put there by the Debian package."""
    try:
        return f"{package}/__init__.py" in below(DPKG).read_text(encoding="utf-8").splitlines()
    except OSError:
        return False

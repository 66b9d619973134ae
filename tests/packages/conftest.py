"""Fixtures: the Debian package, and a Debian."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from .machine import AUTOLOAD, ROOT, SCRIPTS, Debian, run

RELEASES = ("bookworm", "trixie")


@pytest.fixture(scope="session")
def deb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of what is committed."""
    return Path(run([str(ROOT / "scripts/dev/deb"), str(tmp_path_factory.mktemp("deb"))]).splitlines()[-1])


@pytest.fixture(scope="session", params=RELEASES)
def base(request: pytest.FixtureRequest) -> Path:
    """A Debian with what the package depends on."""
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        pytest.skip("needs root and debootstrap")
    folder = Path(os.environ["FS_HEPIPE_CHROOTS"], request.param)
    if not (folder / "usr/bin/python3").exists():
        run(["debootstrap", "--variant=minbase", "--include=python3", request.param, str(folder)])
    run(["chroot", str(folder), "apt-get", "install", "-y", "--no-install-recommends", "python3-construct"])
    return folder


@pytest.fixture
def debian(base: Path, tmp_path: Path) -> Iterator[Debian]:
    root = tmp_path / "debian"
    run(["cp", "-a", str(base), str(root)])
    for folder in (AUTOLOAD, SCRIPTS):
        (root / folder).mkdir(parents=True)
    (root / AUTOLOAD / "modules.conf.xml").write_text("FreeSWITCH's")
    (root / SCRIPTS / "other.py").write_text("somebody else's")
    made = Debian(root)
    made.run("groupadd", "--system", "freeswitch")
    yield made
    shutil.rmtree(root)

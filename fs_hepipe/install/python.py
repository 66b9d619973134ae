"""FreeSWITCH's Python: is it one that fs_hepipe runs on, has it construct, and how it gets it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterable
from pathlib import Path

from fs_hepipe.install.report import InstallError
from fs_hepipe.version import CONSTRUCT, CONSTRUCT_BELOW, CONSTRUCT_FROM

DEFAULT = Path("/usr/bin/python3")
OLDEST, NEWEST = (3, 9), (3, 13)

PROBE = Path(__file__).with_name("probe.py")

PATIENCE = 120
"""Seconds that pip may take."""

BY_APT = "On Debian 12 and later: apt-get install python3-construct"

_OURS = re.compile(r"(construct|construct-[0-9][0-9A-Za-z.]*\.dist-info)(/[0-9A-Za-z_+-][0-9A-Za-z._+-]*)+")


class Python:
    """The interpreter that mod_python3 is linked with."""

    def __init__(self, file: Path) -> None:
        """
        Raises:
            InstallError: there is no such Python, or fs_hepipe does not run on it.
        """
        found = shutil.which(str(file))
        if found is None:
            raise InstallError(f"{file}: not found; name the Python of mod_python3 with --python FILE")
        self.file = Path(found).absolute()
        asked = self._run("-c", "import sys; print('%d.%d' % sys.version_info[:2])")  # any Python knows that much
        version = re.fullmatch(r"(\d+)\.(\d+)", asked.stdout.strip())
        if asked.returncode or version is None:
            raise InstallError(f"{file}: does not run")
        if not OLDEST <= (int(version[1]), int(version[2])) <= NEWEST:
            oldest, newest = (".".join(map(str, each)) for each in (OLDEST, NEWEST))
            raise InstallError(
                f"{file} is Python {version[0]}; fs_hepipe runs on {oldest} to {newest} (--python names another one)"
            )

    def _run(self, *arguments: str, cwd: Path = Path("/")) -> subprocess.CompletedProcess[str]:
        return subprocess.run([str(self.file), "-I", *arguments], cwd=cwd, capture_output=True, text=True, check=False)

    def _probe(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._run("-B", str(PROBE), *arguments)

    def has_construct(self, scripts: Path) -> bool:
        """Whether it finds a suitable construct, in FreeSWITCH's script folder or elsewhere."""
        return self._probe("construct", str(scripts), CONSTRUCT_FROM, CONSTRUCT_BELOW).returncode == 0

    def check_import(self, scripts: Path, *names: str) -> None:
        """
        Raises:
            InstallError: the entry points can't be imported; `names` come from the script folder too.
        """
        told = self._probe("import", str(scripts), *names)
        if told.returncode:
            why = told.stderr.strip().rpartition("\n")[2]
            raise InstallError(f"{self.file} cannot import fs_hepipe from {scripts}: {why}")

    def compile(self, scripts: Path, folders: Iterable[str]) -> None:
        """
        Compiles what was installed: FreeSWITCH's user may not be allowed to write compiled files.

        Raises:
            InstallError: it can't.
        """
        told = self._run("-m", "compileall", "-q", *folders, cwd=scripts)
        if told.returncode:
            raise InstallError(f"{self.file} cannot compile what is in {scripts}: {_last_line(told)}")

    def get_construct(self, folder: Path) -> dict[str, bytes]:
        """
        The files of a construct that fits, by pip, in a folder of ours: what pip's settings say of where to install
        (PIP_USER, PIP_PREFIX, PIP_TARGET, a pip.conf) has no say in it, and it may be downloaded into any Python.

        Raises:
            InstallError: it can't be had.
        """
        pip = [str(self.file), "-m", "pip"]  # from a folder of our own: -m puts the current one on Python's path
        if subprocess.run([*pip, "--version"], cwd=folder, capture_output=True, check=False).returncode:
            raise InstallError(f"{self.file} finds no {CONSTRUCT} and has no pip to get it with", BY_APT)
        wheel = ["wheel", "--quiet", "--no-deps", "--retries", "0", "--timeout", "10", "--wheel-dir", str(folder)]
        settings = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_REQUIRE_VIRTUALENV": "0"}
        try:
            told = subprocess.run(
                [*pip, *wheel, CONSTRUCT],
                cwd=folder,
                env={**os.environ, **settings},
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
            why = _last_line(told) if told.returncode else ""
        except subprocess.TimeoutExpired:
            why = f"pip took more than {PATIENCE} s"
        wheels = list(folder.glob("construct-*.whl"))
        if why or len(wheels) != 1:
            raise InstallError(
                f"{CONSTRUCT} could not be downloaded ({why or 'pip made no wheel of it'})",
                BY_APT,
                "Without a network: PIP_FIND_LINKS=FOLDER names a folder with a wheel of it",
            )
        with zipfile.ZipFile(wheels[0]) as archive:
            return {name: archive.read(name) for name in archive.namelist() if _OURS.fullmatch(name)}


def _last_line(told: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in (told.stderr or told.stdout).splitlines() if line.strip()]
    return lines[-1].strip() if lines else f"exit status {told.returncode}"

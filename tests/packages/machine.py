"""
Debians of the tests' own: a chroot that debootstrap makes, once per release, in the folder $FS_HEPIPE_CHROOTS names;
each test has a copy. The archive is debootstrap's default.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
AUTOLOAD = Path("etc/freeswitch/autoload_configs")
SCRIPTS = Path("usr/share/freeswitch/scripts")
XML = ("fs_hepipe.conf.xml", "python.conf.xml")
OURS = ("etc/freeswitch", "usr/share", "usr/bin", "var/lib/dpkg/info", "var/lib/fs-hepipe")

VANILLA = """\
<configuration name="python.conf" description="PYTHON Configuration">
  <settings>
    <!--<param name="xml-handler-script" value="dp"/>-->
    <!--<param name="xml-handler-bindings" value="dialplan"/>-->

    <!--
\tThe following options identifies a py module that is launched
\tat startup and may live forever in the background.
\tYou can define multiple lines, one for each script you\x20
\tneed to run.
    -->
    <!--<param name="startup-script" value="startup_script_1"/>-->
    <!--<param name="startup-script" value="startup_script_2"/>-->

  </settings>
</configuration>
"""
"""FreeSWITCH's own (conf/vanilla)."""


def run(command: list[str]) -> str:
    told = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert told.returncode == 0, f"{command}: {told.stdout}{told.stderr}"
    return told.stdout


class Debian:
    """A chroot with the folders of a FreeSWITCH in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.autoload = root / AUTOLOAD
        self.scripts = root / SCRIPTS

    def run(self, *command: str) -> str:
        return run(["chroot", str(self.root), "env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8", *command])

    def install(self, deb: Path, *options: str) -> str:
        shutil.copy(deb, self.root / "fs-hepipe.deb")
        return self.run("dpkg", *options, "--install", "/fs-hepipe.deb")

    def files(self) -> set[str]:
        """Everything in the folders that the package puts something into."""
        return {str(path.relative_to(self.root)) for top in OURS for path in (self.root / top).rglob("*")}

    def imports(self) -> None:
        """FreeSWITCH's Python finds the package and construct."""
        shutil.copy(ROOT / "fs_hepipe" / "install" / "probe.py", self.root)
        self.run("python3", "-I", "-B", "/probe.py", "import", f"/{SCRIPTS}")

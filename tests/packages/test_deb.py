"""
The Debian package in a Debian of its own, as root (`make packages`): a chroot that debootstrap makes, once per release,
in the folder that $FS_HEPIPE_CHROOTS names; each test has a copy. The archive is debootstrap's default.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.packages

ROOT = Path(__file__).resolve().parents[2]
RELEASES = ("bookworm", "trixie")
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


def test_what_was_installed_works_and_purge_leaves_nothing(debian: Debian, deb: Path) -> None:
    before = debian.files()
    debian.install(deb)
    debian.imports()
    assert "this configuration is good" in debian.run("fs-hepipe", "check")
    assert debian.run("fs-hepipe", "--version").startswith("fs_hepipe ")
    for name in XML:
        assert debian.run("stat", "-c", "%U:%G %a", f"/{AUTOLOAD}/{name}") == "root:freeswitch 640\n"
    assert len(list((debian.scripts / "fs_hepipe").rglob("*.pyc"))) > 50
    debian.run("dpkg", "--remove", "fs-hepipe")
    assert all((debian.autoload / name).exists() for name in XML)
    assert not (debian.scripts / "fs_hepipe").exists()
    debian.run("dpkg", "--purge", "fs-hepipe")
    assert debian.files() == before


def test_scripts_install_leaves_it_to_the_package(debian: Debian, deb: Path) -> None:
    debian.install(deb)
    shutil.copytree(ROOT / "fs_hepipe", debian.root / "checkout/fs_hepipe")
    for name in ("conf", "scripts"):
        shutil.copytree(ROOT / name, debian.root / "checkout" / name)
    told = subprocess.run(
        ["chroot", str(debian.root), "/checkout/scripts/install"], capture_output=True, text=True, check=False
    )
    assert told.returncode == 1
    assert "is the Debian package's" in told.stderr


@pytest.mark.parametrize("edited", [False, True])
def test_it_takes_over_what_scripts_install_has_installed(debian: Debian, deb: Path, edited: bool) -> None:
    for name in ("fs_hepipe", "conf", "scripts"):
        shutil.copytree(ROOT / name, debian.root / "checkout" / name)
    older = debian.root / "checkout" / "conf" / "autoload_configs"
    for name in XML:
        (older / name).write_text((older / name).read_text() + "<!-- older -->\n")
    (debian.root / "checkout/fs_hepipe/gone.py").write_text("")
    debian.run("/checkout/scripts/install")
    assert (debian.scripts / "fs_hepipe/gone.py").exists()
    mine = debian.autoload / "fs_hepipe.conf.xml"
    if edited:
        mine.write_text(mine.read_text().replace("udp:127.0.0.1:9060", "udp:192.0.2.1:9060"))
    debian.install(deb, *(["--force-confold"] if edited else []))
    debian.imports()
    assert not (debian.scripts / "fs_hepipe/gone.py").exists()
    assert not (debian.scripts / "fs_hepipe/.installed").exists()
    assert ("192.0.2.1" in mine.read_text()) is edited
    assert ("-- older" in mine.read_text()) is edited
    assert "-- older" not in (debian.autoload / "python.conf.xml").read_text()


def test_an_xml_of_freeswitchs_own_is_set_aside_and_comes_back(debian: Debian, deb: Path) -> None:
    xml = debian.autoload / "python.conf.xml"
    xml.write_text(VANILLA)
    debian.install(deb)
    assert 'value="fs_hepipe"' in xml.read_text()
    debian.run("dpkg", "--purge", "fs-hepipe")
    assert xml.read_text() == VANILLA


def test_an_upgrade_keeps_what_was_edited(debian: Debian, deb: Path, tmp_path: Path) -> None:
    debian.install(deb)
    mine = debian.autoload / "fs_hepipe.conf.xml"
    mine.write_text(mine.read_text().replace('"2001"', '"2002"'))
    run(["dpkg-deb", "-R", str(deb), str(tmp_path / "newer")])
    control = tmp_path / "newer/DEBIAN/control"
    control.write_text(control.read_text().replace("Version: ", "Version: 9."))
    theirs = tmp_path / "newer" / AUTOLOAD / "python.conf.xml"
    theirs.write_text(theirs.read_text() + "<!-- newer -->\n")
    run(["dpkg-deb", "-b", "--root-owner-group", str(tmp_path / "newer"), str(tmp_path / "newer.deb")])
    debian.install(tmp_path / "newer.deb")
    assert '"2002"' in mine.read_text()
    assert "newer" in (debian.autoload / "python.conf.xml").read_text()
    for name in XML:
        assert debian.run("stat", "-c", "%U:%G %a", f"/{AUTOLOAD}/{name}") == "root:freeswitch 640\n"

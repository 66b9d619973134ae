"""The Debian package: installed, upgraded, removed, purged, and in place of what scripts/install has installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from .machine import AUTOLOAD, ROOT, VANILLA, XML, Debian, run

pytestmark = pytest.mark.packages


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

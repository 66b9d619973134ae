"""
docs/packages.md, "Containers", in a chroot as the stand-in of an image: installed when it is made, after FreeSWITCH's
configuration is there; used by a user without rights, on a root that is read-only.
"""

from __future__ import annotations

import shutil
import subprocess

import pytest

from .machine import AUTOLOAD, ROOT, SCRIPTS, VANILLA, XML, Debian, run

pytestmark = pytest.mark.packages


def as_user(debian: Debian, user: str, *command: str) -> subprocess.CompletedProcess[str]:
    """Runs something in the chroot, whose root is mounted read-only for it."""
    script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec chroot --userspec="$1" "$0" "${@:2}"'
    return subprocess.run(
        ["unshare", "--mount", "bash", "-c", script, str(debian.root), user, *command],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_container_without_rights_and_with_a_read_only_root(debian: Debian) -> None:
    (debian.autoload / "python.conf.xml").write_text(VANILLA)  # the image's own, copied first
    debian.run("useradd", "--system", "--gid", "freeswitch", "freeswitch")
    run(["chroot", str(debian.root), "chown", "-R", "freeswitch:freeswitch", "/etc/freeswitch"])
    (debian.autoload / "python.conf.xml").unlink()
    for name in ("fs_hepipe", "conf", "scripts"):
        shutil.copytree(ROOT / name, debian.root / "src" / name)
    debian.run("/src/scripts/install")
    shutil.copy(ROOT / "fs_hepipe" / "install" / "probe.py", debian.root)
    (debian.root / "probe.py").chmod(0o644)
    imported = as_user(debian, "freeswitch:freeswitch", "python3", "-I", "/probe.py", "import", f"/{SCRIPTS}")
    assert (imported.returncode, imported.stderr) == (0, "")
    for name in XML:
        assert as_user(debian, "freeswitch:freeswitch", "cat", f"/{AUTOLOAD}/{name}").returncode == 0
        assert as_user(debian, "nobody:nogroup", "cat", f"/{AUTOLOAD}/{name}").returncode == 1
    assert as_user(debian, "freeswitch:freeswitch", "touch", f"/{SCRIPTS}/x").returncode == 1
    told = as_user(debian, "root:root", "/src/scripts/install")
    assert told.returncode == 1
    assert "its file system is mounted read-only" in told.stderr

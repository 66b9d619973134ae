"""scripts/install, run for real in a scratch root with the folders of a FreeSWITCH in it."""

from __future__ import annotations

import grp
import hashlib
import importlib.metadata
import os
import stat
import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from shutil import copytree, ignore_patterns, which

import pytest

from fs_hepipe import tools
from fs_hepipe.install import main
from fs_hepipe.install.folders import DPKG
from fs_hepipe.install.python import NEWEST, OLDEST
from fs_hepipe.switch import platform

ROOT = Path(__file__).resolve().parents[3]
PACKAGED = Path("usr/share/freeswitch/scripts"), Path("etc/freeswitch")
BUILT = Path("usr/local/freeswitch/scripts"), Path("usr/local/freeswitch/conf")
XML = ("fs_hepipe.conf.xml", "python.conf.xml")
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
"""The first python3 on it runs the installer: ours, so that coverage sees it."""


class Machine:
    """A root folder with a FreeSWITCH's folders in it, and the checkout that is installed from."""

    def __init__(self, root: Path, checkout: Path = ROOT, python: Path = Path(sys.executable)) -> None:
        self.root = root
        self.checkout = checkout
        self.python = python
        self.scripts = root / PACKAGED[0]
        self.autoload = root / PACKAGED[1] / "autoload_configs"
        for folder in (self.scripts, self.autoload):
            folder.mkdir(parents=True)

    @property
    def package(self) -> Path:
        return self.scripts / "fs_hepipe"

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.checkout / "scripts" / "install"), "--python", str(self.python), *arguments]
        return subprocess.run(
            command,
            env={"PATH": PATH, "DESTDIR": str(self.root), "PIP_NO_INDEX": "1", **environment},
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
        )

    def install(self, *arguments: str, **environment: str) -> str:
        """What it said, when it went well."""
        result = self.run(*arguments, **environment)
        assert (result.returncode, result.stderr) == (0, ""), result.stderr
        return result.stdout

    def refuses(self, *arguments: str, **environment: str) -> str:
        """Its one complaint."""
        result = self.run(*arguments, **environment)
        assert result.returncode == 1, result.stdout
        assert result.stderr.startswith("error: ")
        return result.stderr.removeprefix("error: ")

    def does_not_understand(self, *arguments: str) -> str:
        """What it says of arguments that it does not take."""
        result = self.run(*arguments)
        assert result.returncode == 2
        assert result.stdout == ""
        return result.stderr

    def files(self) -> dict[str, tuple[bytes, int]]:
        """Content and age of everything there, but for what Python compiled."""
        return {
            str(path.relative_to(self.root)): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in self.root.rglob("*")
            if path.is_file() and path.suffix != ".pyc"
        }


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "root")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of the test's own."""
    copy = tmp_path / "checkout"
    for name in ("fs_hepipe", "conf", "scripts"):
        copytree(ROOT / name, copy / name, ignore=ignore_patterns("__pycache__"))
    (copy / "setup.py").write_bytes((ROOT / "setup.py").read_bytes())
    return copy


def package_files(root: Path) -> set[str]:
    return {
        str(path.relative_to(root))
        for path in (root / "fs_hepipe").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.name != ".installed"
    }


def test_the_package_is_there_whole_and_can_be_imported(machine: Machine) -> None:
    machine.install()
    assert package_files(machine.scripts) == package_files(ROOT)
    program = "import sys; sys.path.insert(0, sys.argv[1]); import fs_hepipe.hep; print(fs_hepipe.__file__)"
    command = [sys.executable, "-I", "-c", program, str(machine.scripts)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == str(machine.package / "__init__.py")


def test_the_switchs_user_can_read_it_and_need_not_compile_it(machine: Machine) -> None:
    machine.install()
    for path in [machine.package, *machine.package.rglob("*")]:
        assert path.stat().st_mode & stat.S_IROTH, path
    assert len(list(machine.package.rglob("*.pyc"))) == len(list(machine.package.rglob("*.py")))


def test_only_the_switchs_user_can_read_the_xml_which_may_hold_a_password(machine: Machine) -> None:
    machine.autoload.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(machine.autoload, 4711, 4712)
    machine.install()
    (machine.autoload / "python.conf.xml").write_text("edited")
    machine.install()
    for name in (*XML, "python.conf.xml.new"):
        seen = (machine.autoload / name).stat()
        assert stat.S_IMODE(seen.st_mode) == 0o640
        assert (seen.st_uid, seen.st_gid) == (machine.autoload.stat().st_uid, machine.autoload.stat().st_gid)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_xml_of_a_folder_of_roots_is_the_group_s_called_freeswitch(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine that has such a group; this one may not have it."""
    entry = grp.struct_group(("freeswitch", "x", 4713, []))
    monkeypatch.setattr(grp, "getgrnam", {"freeswitch": entry}.__getitem__)
    monkeypatch.setenv("DESTDIR", str(machine.root))
    assert main(["--python", sys.executable], "install") == 0
    for name in XML:
        seen = (machine.autoload / name).stat()
        assert (seen.st_uid, seen.st_gid, stat.S_IMODE(seen.st_mode)) == (0, 4713, 0o640)


def test_an_xml_that_was_installed_for_everybody_to_read_no_longer_is(machine: Machine) -> None:
    mine = machine.autoload / "fs_hepipe.conf.xml"
    mine.write_text("edited: the password")
    mine.chmod(0o644)
    assert f"would let only FreeSWITCH read {mine}" in machine.install("--dry-run")
    assert mine.stat().st_mode & stat.S_IROTH
    assert f"let only FreeSWITCH read {mine}" in machine.install()
    assert stat.S_IMODE(mine.stat().st_mode) == 0o640
    assert mine.read_text() == "edited: the password"


def test_both_xml_files_are_where_the_switch_reads_them(machine: Machine) -> None:
    machine.install()
    for name in XML:
        assert (machine.autoload / name).read_bytes() == (ROOT / "conf" / "autoload_configs" / name).read_bytes()


def test_a_second_run_changes_nothing(machine: Machine) -> None:
    machine.install()
    before = machine.files()
    del before[f"{PACKAGED[0]}/fs_hepipe/.installed"]
    result = machine.install()
    after = machine.files()
    del after[f"{PACKAGED[0]}/fs_hepipe/.installed"]
    assert after == before
    assert result.count("is there already") == 4


def test_a_dry_run_says_the_same_and_does_nothing(machine: Machine) -> None:
    planned = machine.install("--dry-run")
    assert machine.files() == {}
    assert planned.replace("would ", "") == machine.install()
    before = machine.files()
    assert "would remove" in machine.install("--uninstall", "--dry-run")
    assert machine.files() == before


def test_folders_can_be_named(machine: Machine, tmp_path: Path) -> None:
    scripts, conf = tmp_path / "my scripts", tmp_path / "my conf"
    scripts.mkdir()
    (conf / "autoload_configs").mkdir(parents=True)
    machine.install("--scripts", str(scripts), f"--conf={conf}")
    assert (scripts / "fs_hepipe" / "switch" / "entry_points.py").exists()
    assert (conf / "autoload_configs" / "python.conf.xml").exists()
    assert machine.files() == {}


def test_a_switch_built_from_source_is_found_too(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "root")
    machine.scripts.rmdir()
    machine.autoload.rmdir()
    machine.autoload.parent.rmdir()
    for folder in (BUILT[0], BUILT[1] / "autoload_configs"):
        (machine.root / folder).mkdir(parents=True)
    machine.install()
    assert (machine.root / BUILT[0] / "fs_hepipe" / "switch" / "entry_points.py").exists()


def test_two_switches_are_a_question(machine: Machine) -> None:
    (machine.root / BUILT[0]).mkdir(parents=True)
    assert "choose one with --scripts DIR" in machine.refuses()


def test_no_switch_is_an_error_that_names_the_option(machine: Machine) -> None:
    machine.scripts.rmdir()
    assert "name FreeSWITCH's folder with --scripts DIR" in machine.refuses()
    machine.scripts.mkdir()
    machine.autoload.rmdir()
    assert "autoload_configs: there is no such folder" in machine.refuses()
    assert machine.refuses("--conf", "/no/such") == "/no/such: there is no such folder (--conf)\n"
    assert "unrecognized arguments: --frobnicate" in machine.does_not_understand("--frobnicate")
    assert "argument --conf: expected one argument" in machine.does_not_understand("--conf")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_no_permission_is_an_error(machine: Machine) -> None:
    for folder in (machine.scripts, machine.autoload):
        folder.chmod(0o555)
        assert f"{folder}: no permission to write there" in machine.refuses()
        folder.chmod(0o755)


# --- XML that an operator edited ---


def test_an_edited_xml_stays_and_the_new_one_is_put_beside_it(machine: Machine) -> None:
    edited = machine.autoload / "python.conf.xml"
    edited.write_text('<configuration name="python.conf"/>\n')
    result = machine.install()
    assert f"{edited}.new" in result
    assert '<param name="startup-script" value="fs_hepipe"/>' in result
    assert edited.read_text() == '<configuration name="python.conf"/>\n'
    assert (machine.autoload / "python.conf.xml.new").read_bytes() == (
        ROOT / "conf" / "autoload_configs" / "python.conf.xml"
    ).read_bytes()


def test_an_xml_that_nobody_edited_is_brought_up_to_date(machine: Machine, checkout: Path) -> None:
    machine.install()
    machine.checkout = checkout
    newer = checkout / "conf" / "autoload_configs" / "fs_hepipe.conf.xml"
    newer.write_text(newer.read_text() + "<!-- newer -->\n")
    machine.install()
    assert (machine.autoload / newer.name).read_bytes() == newer.read_bytes()
    assert not (machine.autoload / f"{newer.name}.new").exists()


def test_an_xml_edited_after_it_was_installed_survives_an_upgrade(machine: Machine, checkout: Path) -> None:
    machine.install()
    mine = machine.autoload / "fs_hepipe.conf.xml"
    mine.write_text(mine.read_text().replace("udp:127.0.0.1:9060", "udp:192.0.2.1:9060"))
    edited = mine.read_text()
    machine.install()
    machine.checkout = checkout
    newer = checkout / "conf" / "autoload_configs" / mine.name
    newer.write_text(newer.read_text() + "<!-- newer -->\n")
    machine.install()
    assert mine.read_text() == edited
    assert (machine.autoload / f"{mine.name}.new").read_bytes() == newer.read_bytes()


# --- what is left to do ---


@pytest.mark.parametrize(
    ("modules", "is_loaded"),
    [
        (None, False),
        ('<load module="mod_commands"/>', False),
        ('<!-- <load module="mod_python3"/> -->', False),
        ('<!--\n<load module="mod_python3"/>\n-->\n<load module="mod_sofia"/>', False),
        ('<load module="mod_python3"/>', True),
        ('<!-- Languages -->\n<load module="mod_python3"/> <!-- ours -->', True),
    ],
)
def test_it_says_to_load_mod_python3_unless_that_is_done(machine: Machine, modules: str, is_loaded: bool) -> None:
    if modules is not None:
        text = f"<configuration><modules>{modules}</modules></configuration>"
        (machine.autoload / "modules.conf.xml").write_text(text)
    assert ('after mod_commands:  <load module="mod_python3"/>' not in machine.install("--dry-run")) is is_loaded


def test_it_says_what_to_do_next(machine: Machine) -> None:
    result = machine.install()
    assert [word for word in ("reloadxml", "load mod_python3", "python fs_hepipe") if word not in result] == []
    assert "fs_hepipe.switch.upgrade" not in result


# --- upgrading and removing ---


def test_an_upgrade_removes_what_the_package_no_longer_has(machine: Machine, checkout: Path) -> None:
    machine.install()
    machine.checkout = checkout
    (checkout / "fs_hepipe" / "reports" / "custom.py").rename(checkout / "fs_hepipe" / "reports" / "renamed.py")
    for path in (checkout / "fs_hepipe").rglob("*.py"):
        path.write_text(path.read_text().replace("reports.custom", "reports.renamed"))
    mine = machine.package / "notes.txt"
    mine.write_text("an operator's")
    result = machine.install()
    assert package_files(machine.scripts) == {*package_files(checkout), "fs_hepipe/notes.txt"}
    assert [path.name for path in machine.package.rglob("custom*")] == []
    assert "python fs_hepipe.switch.upgrade" in result


def test_a_package_of_somebody_else_is_left_alone(machine: Machine) -> None:
    machine.package.mkdir()
    (machine.package / "mine.py").write_text("")
    assert "was not put there by this script" in machine.refuses()
    (machine.package / "mine.py").unlink()
    machine.package.rmdir()
    machine.package.symlink_to(ROOT / "fs_hepipe")
    assert "is a symbolic link" in machine.refuses()


def test_an_installation_that_was_broken_off_can_be_repeated(machine: Machine) -> None:
    machine.install()
    (machine.package / "switch" / "entry_points.py").unlink()
    (machine.package / "version.py").write_text("")
    machine.install()
    assert (machine.package / "version.py").read_bytes() == (ROOT / "fs_hepipe" / "version.py").read_bytes()
    assert (machine.package / "switch" / "entry_points.py").exists()


def test_uninstall_leaves_nothing_of_ours(machine: Machine) -> None:
    other = machine.scripts / "other.py"
    other.write_text("")
    machine.install()
    machine.install("--uninstall")
    assert list(machine.files()) == [f"{PACKAGED[0]}/other.py"]
    assert not machine.package.exists()
    assert "nothing to remove" in machine.install("--uninstall")


def test_uninstall_keeps_what_was_edited_and_says_so(machine: Machine) -> None:
    theirs = machine.autoload / "python.conf.xml"
    theirs.write_text("theirs")
    machine.install()
    mine = machine.autoload / "fs_hepipe.conf.xml"
    mine.write_text("edited")
    (machine.package / "notes.txt").write_text("an operator's")
    result = machine.install("--uninstall")
    assert set(machine.files()) == {
        f"{PACKAGED[1]}/autoload_configs/{theirs.name}",
        f"{PACKAGED[1]}/autoload_configs/{mine.name}",
        f"{PACKAGED[0]}/fs_hepipe/notes.txt",
    }
    assert f"keep {mine}, which has been edited" in result
    assert f"keep {machine.package}: there are files of somebody else in it" in result


def test_uninstall_says_that_an_xml_that_stays_still_starts_the_agent(machine: Machine) -> None:
    xml = machine.autoload / "python.conf.xml"
    machine.install()
    xml.write_text(xml.read_text() + "<!-- edited -->")
    (machine.autoload / "modules.conf.xml").write_text('<load module="mod_python3"/>')
    dry, done = machine.install("--uninstall", "--dry-run"), machine.install("--uninstall")
    for result in (dry, done):
        assert f'{xml} still starts fs_hepipe: remove <param name="startup-script" value="fs_hepipe' in result
        assert "modules.conf.xml still loads mod_python3" in result
    assert xml.exists()


def test_uninstall_does_not_say_so_of_an_xml_that_it_removes_or_that_starts_something_else(machine: Machine) -> None:
    machine.install()
    assert "still" not in machine.install("--uninstall", "--dry-run")
    assert "still" not in machine.install("--uninstall")
    (machine.autoload / "python.conf.xml").write_text('<param name="startup-script" value="other"/>')
    machine.install()
    assert "still" not in machine.install("--uninstall")


def test_what_the_debian_package_has_installed_is_its_own(machine: Machine) -> None:
    machine.package.mkdir()
    listed = machine.root / DPKG.relative_to("/")
    listed.parent.mkdir(parents=True)
    listed.write_text(f"/.\n{machine.package}\n{machine.package}/__init__.py\n")
    assert "is the Debian package's: apt-get install fs-hepipe updates it" in machine.refuses()
    assert "is the Debian package's: apt-get remove fs-hepipe removes it" in machine.refuses("--uninstall")


# --- how it is called, and where it can't go on ---


def test_it_can_be_called_through_sh_and_through_a_link(machine: Machine, tmp_path: Path) -> None:
    link = tmp_path / "link to install"
    link.symlink_to(ROOT / "scripts" / "install")
    environment = {"PATH": PATH, "DESTDIR": str(machine.root)}
    for command in ([str(link)], ["sh", str(ROOT / "scripts" / "install")], ["sh", str(link)]):
        told = subprocess.run(
            [*command, "--python", sys.executable, "--dry-run"],
            env=environment, cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (told.returncode, told.stderr) == (0, "")
        assert "would copy the package" in told.stdout


def test_the_tool_does_the_same(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESTDIR", str(machine.root))
    assert tools.main(["install-into-switch", "--python", sys.executable]) == 0
    assert machine.install().count("is there already") == 4
    assert tools.main(["install-into-switch", "--uninstall"]) == 0
    assert machine.files() == {}


def can_mount() -> bool:
    if os.geteuid() != 0 or which("unshare") is None:
        return False
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0


MOUNTS = pytest.mark.skipif(not can_mount(), reason="no mounts of a test's own here: that needs root on Linux")


def in_a_namespace(machine: Machine, script: str) -> subprocess.CompletedProcess[str]:
    """Runs a shell script with mounts of its own; `install` in it is the installer."""
    installer = f'"{ROOT}/scripts/install" --python "{machine.python}"'
    return subprocess.run(
        ["unshare", "--mount", "sh", "-c", f'install() {{ {installer} "$@"; }}\n{script}'],
        env={"PATH": PATH, "DESTDIR": str(machine.root), "PIP_NO_INDEX": "1"},
        cwd=machine.root,
        capture_output=True,
        text=True,
        check=False,
    )


@MOUNTS
def test_a_read_only_file_system_is_an_error_that_names_it(machine: Machine) -> None:
    told = in_a_namespace(
        machine, f"mount --bind {machine.root} {machine.root} && mount -o remount,bind,ro {machine.root} && install"
    )
    assert told.returncode == 1
    assert told.stderr.startswith(f"error: {machine.scripts}: its file system is mounted read-only. ")
    assert "as root" not in told.stderr


@MOUNTS
@pytest.mark.parametrize("blocks", [0, 1, 4, 40, 120])
def test_after_a_full_disk_the_next_run_does_it_all(machine: Machine, tmp_path: Path, blocks: int) -> None:
    """Each file takes a page of the tmpfs at least."""
    size = 4 * (3 + blocks)  # kB; the folders are there already
    told = in_a_namespace(
        machine,
        f"mount -t tmpfs -o size={size}k tmpfs {machine.scripts} && ! install 2>{tmp_path}/first && "
        f"mount -o remount,size=50m {machine.scripts} && install && cp -r {machine.scripts} {tmp_path}/copy",
    )
    assert (tmp_path / "first").read_text().endswith("No space left on device; make room and run it again\n")
    assert (told.returncode, told.stderr) == (0, "")
    assert package_files(tmp_path / "copy") == package_files(ROOT)
    assert list((tmp_path / "copy").rglob("*.part")) == []


@MOUNTS
def test_after_a_full_disk_the_xml_is_what_was_delivered_too(machine: Machine, tmp_path: Path) -> None:
    told = in_a_namespace(
        machine,
        f"mount -t tmpfs -o size=8k tmpfs {machine.autoload} && ! install 2>{tmp_path}/first && "
        f"mount -o remount,size=1m {machine.autoload} && install && cp -r {machine.autoload} {tmp_path}/copy",
    )
    assert "No space left on device" in (tmp_path / "first").read_text()
    assert (told.returncode, told.stderr) == (0, "")
    assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == sorted(XML)


# --- a script folder that somebody else writes into ---


def test_nothing_that_lies_in_the_script_folder_is_run(machine: Machine, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    names = """
        socket decimal json re types typing orjson construct_typing sitecustomize pip numpy importlib freeswitch pathlib
        struct ruamel compileall enum io
    """
    for name in names.split():
        (machine.scripts / f"{name}.py").write_text(f"open({str(ran)!r}, 'a').write({name!r})\n")
    machine.root = machine.scripts  # from where it is called, too
    machine.install(DESTDIR=str(tmp_path / "root"))
    machine.install("--uninstall", DESTDIR=str(tmp_path / "root"))
    assert not ran.exists()


def test_a_construct_of_somebody_else_is_not_run(machine: Machine, tmp_path: Path) -> None:
    ran, theirs = tmp_path / "ran", machine.scripts / "construct"
    theirs.mkdir()
    for name in ("__init__", "version", "core"):
        (theirs / f"{name}.py").write_text(f"version = (2, 10, 70)\nopen({str(ran)!r}, 'w').close()\n")
    assert "is not ours to run" in machine.install()
    assert not ran.exists()


HOSTILE = (
    "../../victim", "fs_hepipe/../../../victim", "/{victim}", "{victim}", "fs_hepipe/./../../../victim",
    "fs_hepipe/link/victim", "fs_hepipe/link", "construct/../../../victim", "other.py", "fs_hepipe",
    "fs_hepipe/", "construct-2.10.70.dist-info/../../../victim", "fs_hepipe/\x1b[2Jvictim", "", " ",
)  # fmt: skip


@pytest.mark.parametrize("way", ["--uninstall", "upgrade"])
def test_only_plain_files_below_our_folders_are_removed(machine: Machine, tmp_path: Path, way: str) -> None:
    victim, other = tmp_path / "victim", machine.scripts / "other.py"
    for path in (victim, machine.scripts.parent.parent / "victim", machine.root / "victim", other):
        path.write_text("a victim")
    machine.install()
    before = {path: path.read_text() for path in tmp_path.rglob("victim")}
    list_ = machine.package / ".installed"
    with list_.open("a") as lines:
        lines.writelines(f"file {line.format(victim=victim)}\n" for line in HOSTILE)
        lines.write("file fs_hepipe/empty/../../other.py\nfoo\n\xff\n")
    if way == "upgrade":
        result = machine.install()
        assert "../../victim" not in list_.read_text()
    else:
        (machine.package / "link").symlink_to(tmp_path)
        assert "is a symbolic link: remove it first" in machine.refuses(way)
        (machine.package / "link").unlink()
        result = machine.install(way)
        assert not machine.package.exists()
    assert {path: path.read_text() for path in tmp_path.rglob("victim")} == before
    assert other.exists()
    assert "ignore a line of" in result
    assert "\x1b" not in result


def test_a_folder_that_became_a_link_is_not_followed(machine: Machine, tmp_path: Path) -> None:
    machine.install()
    (machine.package / "tools").rename(tmp_path / "elsewhere")
    (machine.package / "tools").symlink_to(tmp_path / "elsewhere")
    before = sorted(tmp_path.joinpath("elsewhere").rglob("*"))
    for arguments in ([], ["--uninstall"]):
        assert "is a symbolic link: remove it first" in machine.refuses(*arguments)
    assert sorted(tmp_path.joinpath("elsewhere").rglob("*")) == before


def test_only_xml_that_we_can_have_installed_is_removed(machine: Machine, tmp_path: Path) -> None:
    machine.install()
    mine, link = machine.autoload / "fs_hepipe.conf.xml", machine.autoload / "python.conf.xml.new"
    sum_ = hashlib.sha256(mine.read_bytes()).hexdigest()
    copies = [tmp_path / "fs_hepipe.conf.xml", tmp_path / "shadow", machine.autoload / "modules.conf.xml"]
    for copy in copies:
        copy.write_bytes(mine.read_bytes())
    link.symlink_to(copies[0])
    lines = [*copies, link, machine.autoload / ".." / "autoload_configs" / ".." / copies[0].name]
    with (machine.package / ".installed").open("a") as list_:
        list_.writelines(f"xml {sum_} {path}\n" for path in lines)
    machine.install("--uninstall")
    assert not mine.exists()
    assert all(copy.exists() for copy in copies)
    assert link.is_symlink()


def test_a_list_that_is_a_link_is_none(machine: Machine, tmp_path: Path) -> None:
    machine.install()
    list_ = machine.package / ".installed"
    list_.rename(tmp_path / "list")
    list_.symlink_to(tmp_path / "list")
    assert "is a symbolic link: remove it first" in machine.refuses("--uninstall")
    assert machine.package.exists()


# --- Python and construct ---


def test_a_construct_that_is_there_is_not_downloaded(machine: Machine) -> None:
    assert f"construct is there already: {sys.executable} finds it" in machine.install()
    assert not (machine.scripts / "construct").exists()


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A Python that has no construct but the pip of the tests' own."""
    venv.create(tmp_path / "bare", with_pip=False)
    python = tmp_path / "bare-python"
    python.write_text(
        "#!/bin/sh\n"
        f'if [ "$1 $2" = "-m pip" ]; then exec "{sys.executable}" "$@"; fi\n'
        f'exec "{tmp_path}/bare/bin/python" "$@"\n'
    )
    python.chmod(0o755)
    return python


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder with a wheel of construct, made of the one that the tests use."""
    construct = importlib.metadata.distribution("construct")
    wheel = tmp_path / "shelf" / f"construct-{construct.version}-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in construct.files or []:
            if file.suffix != ".pyc" and file.name not in {"INSTALLER", "REQUESTED", "direct_url.json"}:
                archive.write(file.locate(), str(file))
    return wheel.parent


def test_construct_is_put_beside_the_package_where_python_has_none(machine: Machine, bare: Path, shelf: Path) -> None:
    machine.python = bare
    result = machine.install(PIP_FIND_LINKS=str(shelf))
    assert f"install construct>=2.10.68,<2.11 into {machine.scripts}" in result
    assert (machine.scripts / "construct" / "core.py").exists()
    assert "construct is there already" in machine.install()  # nothing to download from now on
    machine.install("--uninstall")
    assert machine.files() == {}
    assert list(machine.scripts.iterdir()) == []


PIP_SETTINGS = {
    "PIP_USER": "1",
    "PIP_REQUIRE_VIRTUALENV": "1",
    "PIP_PREFIX": "/no/such",
    "PIP_TARGET": "/no/such",
    "PIP_ROOT": "/no/such",
}


@pytest.mark.parametrize("names", [*[[name] for name in PIP_SETTINGS], list(PIP_SETTINGS)], ids=" ".join)
def test_what_pip_is_told_of_where_to_install_does_not_matter(
    machine: Machine, bare: Path, shelf: Path, names: list[str]
) -> None:
    machine.python = bare
    machine.install(PIP_FIND_LINKS=str(shelf), **{name: PIP_SETTINGS[name] for name in names})
    assert (machine.scripts / "construct" / "core.py").exists()


def test_a_pip_conf_does_not_matter_either(machine: Machine, bare: Path, shelf: Path, tmp_path: Path) -> None:
    machine.python = bare
    (tmp_path / "pip.conf").write_text("[global]\nuser = true\nrequire-virtualenv = true\nprefix = /no/such\n")
    machine.install(PIP_FIND_LINKS=str(shelf), PIP_CONFIG_FILE=str(tmp_path / "pip.conf"))
    assert (machine.scripts / "construct" / "core.py").exists()


def test_a_construct_whose_copy_was_broken_off_is_copied_again(machine: Machine, bare: Path, shelf: Path) -> None:
    """The file that tells the version is written last."""
    machine.python = bare
    machine.install(PIP_FIND_LINKS=str(shelf))
    (machine.scripts / "construct" / "version.py").unlink()
    (machine.scripts / "construct" / "core.py").unlink()
    machine.install(PIP_FIND_LINKS=str(shelf))
    assert (machine.scripts / "construct" / "core.py").exists()


def test_a_construct_of_ours_that_has_grown_too_old_is_replaced(machine: Machine, bare: Path, shelf: Path) -> None:
    machine.python = bare
    machine.install(PIP_FIND_LINKS=str(shelf))
    (machine.scripts / "construct" / "version.py").write_text("version = (2, 9, 1)\n")
    machine.install(PIP_FIND_LINKS=str(shelf))
    assert "2, 9" not in (machine.scripts / "construct" / "version.py").read_text()


def test_an_upgrade_that_replaces_construct_too_leaves_nothing_of_the_package_before(
    machine: Machine, bare: Path, shelf: Path, checkout: Path
) -> None:
    machine.python = bare
    machine.install(PIP_FIND_LINKS=str(shelf))
    (machine.scripts / "construct" / "version.py").write_text("version = (2, 9, 1)\n")
    machine.checkout = checkout
    (checkout / "fs_hepipe" / "reports" / "emodel.py").rename(checkout / "fs_hepipe" / "reports" / "renamed.py")
    for path in (checkout / "fs_hepipe").rglob("*.py"):
        path.write_text(path.read_text().replace("reports.emodel", "reports.renamed"))
    machine.install(PIP_FIND_LINKS=str(shelf))
    assert package_files(machine.scripts) == package_files(checkout)


def test_a_construct_of_somebody_else_that_does_not_fit_is_left_alone(
    machine: Machine, bare: Path, shelf: Path
) -> None:
    machine.python = bare
    theirs = machine.scripts / "construct" / "version.py"
    theirs.parent.mkdir()
    (theirs.parent / "__init__.py").write_text("")
    theirs.write_text("version = (2, 9, 1)\n")
    assert "move it away first" in machine.refuses(PIP_FIND_LINKS=str(shelf))
    assert theirs.read_text() == "version = (2, 9, 1)\n"
    assert not machine.package.exists()


def test_without_construct_and_pip_it_says_how_to_get_it(machine: Machine, tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", with_pip=False)
    machine.python = tmp_path / "bare" / "bin" / "python"
    assert "apt-get install python3-construct" in machine.refuses()
    assert machine.files() == {}


def test_a_download_that_fails_leaves_nothing_behind(machine: Machine, bare: Path) -> None:
    machine.python = bare
    result = machine.run()
    assert result.returncode == 1
    assert "error: construct>=2.10.68,<2.11 could not be downloaded" in result.stderr
    assert "error: On Debian 12 and later: apt-get install python3-construct\n" in result.stderr
    assert "WARNING" not in result.stderr
    assert machine.files() == {}


def test_a_dry_run_promises_no_download_that_fails(machine: Machine, bare: Path, shelf: Path) -> None:
    machine.python = bare
    assert "could not be downloaded" in machine.refuses("--dry-run")
    assert "would install construct" in machine.install("--dry-run", PIP_FIND_LINKS=str(shelf))
    assert machine.files() == {}


def test_the_pythons_that_it_takes_are_those_that_were_tested() -> None:
    ends = [".".join(map(str, end)) for end in (OLDEST, NEWEST)]
    assert [platform.PYTHON[0], platform.PYTHON[-1]] == ends


def pretend(tmp_path: Path, version: str) -> Path:
    """A Python that says it is of this version."""
    python = tmp_path / f"python{version}"
    python.write_text(f"#!/bin/sh\necho {version}\n")
    python.chmod(0o755)
    return python


@pytest.mark.parametrize("version", ["2.7", "3.8", "3.14", "4.0"])
def test_a_python_that_is_not_supported_is_refused(machine: Machine, tmp_path: Path, version: str) -> None:
    machine.python = pretend(tmp_path, version)
    assert f"is Python {version}; fs_hepipe runs on 3.9 to 3.13" in machine.refuses()


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.13"])
def test_the_oldest_and_the_newest_python_are_supported(machine: Machine, tmp_path: Path, version: str) -> None:
    machine.python = pretend(tmp_path, version)
    assert "fs_hepipe runs on" not in machine.run("--dry-run").stderr


def test_a_python_that_is_not_there_is_an_error(machine: Machine) -> None:
    machine.python = Path("/no/such/python3")
    assert "--python FILE" in machine.refuses()


def test_help_tells_every_option(machine: Machine) -> None:
    result = machine.install("--help")
    for option in ("--scripts", "--conf", "--python", "--uninstall", "--dry-run", "DESTDIR"):
        assert option in result

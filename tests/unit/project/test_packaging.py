"""What is installed is the package as it stands here, and nothing in the project ties it to the place it was made."""

from __future__ import annotations

import ast
import gzip
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from shutil import copy2, copytree, ignore_patterns, which

import pytest

from fs_hepipe.version import VERSION

ROOT = Path(__file__).resolve().parents[3]
OLDEST = (3, 9)

# In two halves, so that this file is not among those it finds.
REGISTRIES = ["py" + r"pi\.org", "pythonhosted" + r"\.org", "npmjs" + r"\.(?:org|com)", r"deb\.debian" + r"\.org"]
HOME_FOLDERS = r"(?<![\w.])/(?:home|root|Users)" + r"/\w"


@lru_cache(maxsize=1)
def project_files() -> list[Path]:
    """Every file that is, or could be, committed."""
    git = ["git", "-C", str(ROOT), "-c", f"safe.directory={ROOT}"]  # in a container the tree may be somebody else's
    files = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run([*git, *files], check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not in a git work tree")
    return [path for path in (ROOT / name for name in listed.split("\0") if name) if path.is_file()]


def texts() -> Iterator[tuple[Path, str]]:
    for path in project_files():
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
        yield path.relative_to(ROOT), data.decode("utf-8", "replace")


def matches(pattern: str) -> list[str]:
    found = re.compile(pattern)
    return [f"{path}: {match.group()}" for path, text in texts() for match in [found.search(text)] if match]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy, so that no build folder is left in the tree or taken for its content."""
    source = tmp_path_factory.mktemp("source")
    for name in ("setup.py", "pyproject.toml", "LICENSE", "README.md", "MANIFEST.in"):
        copy2(ROOT / name, source)
    for name in ("fs_hepipe", "conf"):
        copytree(ROOT / name, source / name, ignore=ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    built = subprocess.run(
        [*pip, "--no-deps", "--no-build-isolation", "--wheel-dir", str(source / "dist"), str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (made,) = (source / "dist").iterdir()
    return made


XML = {f"fs_hepipe/conf/autoload_configs/{name}" for name in ("fs_hepipe.conf.xml", "python.conf.xml")}


def test_the_wheel_holds_every_file_of_the_package_and_the_xml(wheel: Path) -> None:
    package = {path.relative_to(ROOT).as_posix() for path in project_files() if ROOT / "fs_hepipe" in path.parents}
    package |= XML
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("fs_hepipe/")}
    assert packed == package


def test_the_wheel_is_named_after_the_packages_version(wheel: Path) -> None:
    assert wheel.name == f"fs_hepipe-{VERSION}-py3-none-any.whl"


def test_the_changelogs_newest_release_is_the_packages_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[?(\d+\.\d+\.\d+)\b", changelog, re.MULTILINE)
    assert newest is not None
    assert newest.group(1) == VERSION


def test_every_section_of_the_changelog_says_something_and_stands_in_its_order() -> None:
    """What `make release-check` asks of a release, here of all of them."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    _, *sections = re.split(r"^## ", changelog, flags=re.MULTILINE)
    headings = [section.partition("\n")[0] for section in sections]
    released = [section for section in sections if not section.startswith("Unreleased")]
    assert all(re.search(r"^- \S", section, re.MULTILINE) for section in released)
    versions = [tuple(map(int, heading.split("."))) for heading in headings if heading != "Unreleased"]
    assert versions == sorted(versions, reverse=True)
    assert "Unreleased" not in headings[1:]


@pytest.mark.skipif(which("git") is None, reason="no git")
@pytest.mark.parametrize(("version", "changelog", "tag", "why"), [
    ("1.0", "## 1.0\n\n- x\n", "", "1.0 is no version"),
    ("1.0.0", "## 0.9.0\n\n- x\n", "", "CHANGELOG has nothing about 1.0.0"),
    ("1.0.0", "## 1.0.0\n\n## 0.9.0\n\n- x\n", "", "CHANGELOG has nothing about 1.0.0"),
    ("1.0.0", "## Unreleased\n\n- y\n\n## 1.0.0\n\n- x\n", "", "CHANGELOG has changes under Unreleased"),
    ("1.0.0", "## 1.0.0\n\n- x\n", "v1.0.0", "there is a tag v1.0.0 already"),
    ("1.0.0", "## Unreleased\n\n## 1.0.0\n\n- x\n", "", "No rule to make target 'test'"),
])  # fmt: skip
def test_a_release_is_refused_for_what_is_missing(
    tmp_path: Path, version: str, changelog: str, tag: str, why: str
) -> None:
    (tmp_path / "fs_hepipe").mkdir()
    (tmp_path / "fs_hepipe/version.py").write_text(f'VERSION = "{version}"\n')
    (tmp_path / "CHANGELOG.md").write_text(changelog)
    (tmp_path / "Makefile").write_text("")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@example.com"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"], *([["tag", tag]] if tag else [])):
        subprocess.run([*git, *command], check=True, capture_output=True)
    told = subprocess.run(
        [str(ROOT / "scripts/dev/release-check")], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert told.returncode != 0
    assert why in told.stderr


def test_every_python_file_is_in_the_grammar_of_the_oldest_python() -> None:
    for path in project_files():
        if path.suffix == ".py":
            ast.parse(path.read_text(encoding="utf-8"), filename=str(path), feature_version=OLDEST)


def test_no_file_names_a_package_registry() -> None:
    assert matches("|".join(REGISTRIES)) == []


def test_no_file_names_a_home_folder_or_the_folder_of_this_tree() -> None:
    here = re.escape(f"{ROOT}/") if len(ROOT.parts) > 2 else r"\Z\A"
    assert matches(f"{HOME_FOLDERS}|{here}") == []

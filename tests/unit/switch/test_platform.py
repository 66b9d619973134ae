"""What the agent runs on, and whether it was tried there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fs_hepipe.switch import platform
from fs_hepipe.switch.platform import DISTRIBUTIONS, FREESWITCH, PYTHON, Platform

README = Path(__file__).resolve().parents[3] / "README.md"

DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\n# a comment\n'


def test_this_process_is_told_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(platform, "OS_RELEASE", tmp_path / "os-release")
    (tmp_path / "os-release").write_text(DEBIAN)
    here = platform.platform("1.10.12")
    assert here == Platform("1.10.12", sys.version.partition(" ")[0].rstrip("+"), "Debian 12")


@pytest.mark.parametrize(
    ("text", "distribution"),
    [
        (None, ""),
        ("", ""),
        ('NAME="half a quote', ""),
        ("nonsense\n\udce9\n", ""),
        ("NAME=Fedora", "Fedora"),
        ("NAME='Alpine Linux'\nVERSION_ID=3.20", "Alpine Linux 3.20"),
    ],
)
def test_distribution_that_does_not_say_is_unknown(
    text: str, distribution: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(platform, "OS_RELEASE", tmp_path / "os-release")
    if text is not None:
        (tmp_path / "os-release").write_text(text, errors="surrogateescape")
    assert platform.platform("").distribution == distribution


@pytest.mark.parametrize("freeswitch", FREESWITCH)
def test_what_was_tested_needs_no_remark(freeswitch: str) -> None:
    for python in PYTHON:
        for distribution in DISTRIBUTIONS:
            assert Platform(freeswitch, f"{python}.99", distribution).untested == []


def test_what_can_not_be_told_needs_none_either() -> None:
    assert Platform("", "3.11.2", "").untested == []


@pytest.mark.parametrize(
    ("here", "said"),
    [
        (Platform("1.10.1", "3.11.2", "Debian 12"), "FreeSWITCH 1.10.1 was not tested"),
        (Platform("1.11.20", "3.11.2", "Debian 12"), "FreeSWITCH 1.11.20 was not tested"),
        (Platform("1.10.12", "3.8.19", "Debian 12"), "Python 3.8.19 was not tested"),
        (Platform("1.10.12", "3.14.0", "Debian 12"), "Python 3.14.0 was not tested"),
        (Platform("1.10.12", "3.11.2", "Ubuntu 24.04"), "the distribution Ubuntu 24.04 was not tested"),
    ],
)
def test_what_was_not_tested_is_said(here: Platform, said: str) -> None:
    (sentence,) = here.untested
    assert sentence.startswith(said)


def test_readme_says_what_was_tested() -> None:
    (line,) = [line for line in README.read_text().splitlines() if line.startswith("Tested on ")]
    for version in (*FREESWITCH, PYTHON[0], PYTHON[-1], *DISTRIBUTIONS):
        assert version in line

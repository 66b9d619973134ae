"""Configurations of many switches, each by itself and all against each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from fs_hepipe.tools import main

SHARED = """<configuration name="fs_hepipe.conf"><settings>
  <!-- $${not_this} -->
  <param name="capture-id" value="$${id}"/><param name="node-name" value="$${node}"/>
</settings></configuration>"""


def switch(folder: Path, name: str, **variables: object) -> Path:
    (folder / name).mkdir()
    lines = [f'<X-PRE-PROCESS cmd="set" data="{key}={value}"/>' for key, value in variables.items()]
    (folder / name / "vars.xml").write_text(f"<include>{''.join(lines)}</include>")
    return folder / name


def checked(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, list[str]]:
    status = main(["check", "--fleet", str(folder)])
    told = capsys.readouterr()
    return status, told.out, told.err.splitlines()


def test_one_configuration_serves_all_by_variables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "fs_hepipe.conf.xml").write_text(SHARED)
    switch(tmp_path, "pbx1", id=1, base="pbx", node="$${base}-one")
    switch(tmp_path, "pbx2", id=2, node="two")
    status, out, errors = checked(tmp_path, capsys)
    assert (status, errors) == (0, [])
    assert "pbx1  capture id 1           node pbx-one" in out
    assert out.endswith("2 switches: all good\n")


def test_two_that_homer_could_not_tell_apart_are_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "fs_hepipe.conf.xml").write_text(SHARED)
    for name in ("a", "b", "c"):
        switch(tmp_path, name, id=7 if name != "c" else 8, node="same")
    status, _, errors = checked(tmp_path, capsys)
    assert status == 1
    assert errors == [
        "error: capture-id 7 is that of a, b: Homer could not tell them apart",
        "error: node-name same is that of a, b, c: Homer could not tell them apart",
    ]


def test_what_is_wrong_is_told_with_its_switch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "fs_hepipe.conf.xml").write_text(SHARED)
    switch(tmp_path, "unset", id=1)
    switch(tmp_path, "bad", id="x", node="n")
    (switch(tmp_path, "own") / "fs_hepipe.conf.xml").write_text('<configuration name="fs_hepipe.conf"/>')
    (tmp_path / "alone.xml").write_text('<configuration name="other.conf"/>')
    status, _, errors = checked(tmp_path, capsys)
    assert status == 1
    assert errors == [
        'error: alone: fs_hepipe.conf: has no <configuration name="fs_hepipe.conf">',
        "error: bad: capture-id: 'x' is not a whole number from 0 to 4294967295",
        "error: unset: $${node} is set nowhere in vars.xml",
    ]


def test_a_switch_without_any_configuration_and_a_folder_without_a_switch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no switch in it" in checked(tmp_path, capsys)[2][0]
    switch(tmp_path, "pbx1")
    assert checked(tmp_path, capsys)[2] == ["error: pbx1: has no fs_hepipe.conf.xml, and there is none for all"]
    assert checked(tmp_path / "none", capsys)[2][0].endswith("No such file or directory")
    (tmp_path / "pbx1.xml").write_bytes(b"\xe9")
    assert checked(tmp_path, capsys)[2][0].endswith("a file in it is not valid UTF-8")

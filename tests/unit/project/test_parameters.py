"""A parameter is said once, in the code; what an operator reads of it is written from there."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import get_type_hints

import pytest

from fs_hepipe.agent.config import PARAMETERS, Config
from fs_hepipe.delivery.settings import Delivery
from fs_hepipe.words.parameters import Parameter
from fs_hepipe.words.settings import Settings

ROOT = Path(__file__).resolve().parents[3]


def test_files_that_are_made_from_the_parameters_are_up_to_date() -> None:
    texts = runpy.run_path(str(ROOT / "scripts/dev/parameters"))["texts"]()
    assert {path.relative_to(ROOT).as_posix() for path in texts} == {
        "README.md",
        "conf/autoload_configs/fs_hepipe.conf.xml",
        "docs/man/fs-hepipe.1",
        "docs/man/fs_hepipe.conf.5",
    }
    for path, text in texts.items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is not up to date: make parameters"


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda parameter: parameter.name)
def test_a_parameter_says_all_that_its_readers_need(parameter: Parameter) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", parameter.name)
    assert parameter.meaning
    assert "--" not in parameter.meaning, "it would end the comment in the XML"
    assert "|" not in parameter.meaning, "it would end the cell in README"
    assert parameter.meaning.count("`") % 2 == 0


def test_every_field_but_the_groups_and_the_warnings_is_a_parameter() -> None:
    fields = set(get_type_hints(Settings)) | set(get_type_hints(Config)) | set(get_type_hints(Delivery))
    assert sorted(each.attribute for each in PARAMETERS) == sorted(fields - {"delivery", "settings", "warnings"})


def test_only_the_password_is_secret_and_only_collectors_are_given_several_times() -> None:
    assert [each.name for each in PARAMETERS if each.secret] == ["capture-password"]
    assert [each.name for each in PARAMETERS if each.most > 1] == ["capture-server"]

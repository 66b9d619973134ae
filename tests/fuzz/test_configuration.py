"""Whatever XML and arguments come: an answer within bounds, in printable lines, and never the password in it."""

from __future__ import annotations

import time
from typing import Optional
from xml.sax.saxutils import quoteattr

from hypothesis import strategies as st

from fs_hepipe.agent.config import MAX_PROBLEMS, PARAMETERS, examine
from fs_hepipe.words.text import shown
from tests.fuzz.engine import Fuzz
from tests.fuzz.test_text import ANY_TEXT

SECRET = "ЖЩЮ"
"""No character of it is in anything that we say ourselves."""

SECONDS = 1.0
"""What an answer takes at most."""

NAMES = [each.name for each in PARAMETERS]
PASSWORD = st.sampled_from(
    ["capture-password", "capture_password", "Capture-Password", "CAPTURE-PASSWORD", "capture password", "password"]
)
PIECES = st.sampled_from([
    *NAMES, "=", " ", "'", '"', "\\", ",", ";", "<", ">", "/", "&", "&#45;", "udp:homer:9060", "udp:", "[", "]", "7",
    "yes", "DTMF", "a::b", "\n", "\t", "#", "--", "<!--", "-->", "<param name=", "value=", "x" * 300, "\x1b[2J",
    "é", "\udce9",
])  # fmt: skip
NO_SECRET = ANY_TEXT.filter(lambda text: not set(text) & set(SECRET))
WORDS = st.lists(PIECES | PASSWORD | NO_SECRET, max_size=12)
"""Texts around the name of the password and the password."""

TEXTS = st.tuples(WORDS, PASSWORD, WORDS, WORDS).map(
    lambda parts: "".join([*parts[0], parts[1], *parts[2], SECRET, *parts[3]])
)
VALUES = st.sampled_from(["7", "", SECRET]) | TEXTS | NO_SECRET
PARAMS = st.lists(st.tuples(st.sampled_from(NAMES) | TEXTS | PASSWORD, VALUES), max_size=6)


def xml_of(params: list[tuple[str, str]], stray: str) -> str:
    lines = "".join(f"<param name={quoteattr(name)} value={quoteattr(value)}/>" for name, value in params)
    return f'<configuration name="fs_hepipe.conf"><settings>{lines}{stray}</settings></configuration>'


def names_it(params: list[tuple[str, str]]) -> bool:
    """Whether a password is named wherever the secret is: else it is a text like any other."""
    return not any(SECRET in text for param in params for text in param) or any(
        "password" in text.casefold() for param in params for text in param
    )


def answer(xml: Optional[str], arguments: str) -> str:
    """All that anybody gets to see of a configuration."""
    started = time.process_time()
    config, problems = examine(xml, arguments)
    assert time.process_time() - started < SECONDS
    assert len(problems) <= MAX_PROBLEMS + 1
    lines = [*problems, *config.warnings]
    assert all(shown(line).isprintable() for line in lines)
    told = "\n".join(lines)
    return told if problems else f"{told}\n{config!r}"


def test_arguments_with_the_password_anywhere_do_not_show_it(fuzz: Fuzz) -> None:
    def check(arguments: str) -> None:
        told = answer(None, arguments)
        assert not set(SECRET) & set(told), told

    fuzz(TEXTS | TEXTS.map(lambda text: f"'{text}'") | TEXTS.map(lambda text: f"capture-id=7,{text}"), check)


def test_an_xml_with_the_password_anywhere_does_not_show_it(fuzz: Fuzz) -> None:
    def check(case: tuple[list[tuple[str, str]], str]) -> None:
        told = answer(xml_of(*case), "")
        assert not set(SECRET) & set(told), told

    fuzz(st.tuples(PARAMS.filter(names_it), st.sampled_from([""]) | TEXTS | NO_SECRET), check)


def test_any_xml_and_any_arguments_have_an_answer(fuzz: Fuzz) -> None:
    texts = st.none() | ANY_TEXT | WORDS.map("".join) | st.tuples(PARAMS, ANY_TEXT).map(lambda case: xml_of(*case))
    fuzz(st.tuples(texts, ANY_TEXT | WORDS.map("".join)), lambda case: answer(*case))

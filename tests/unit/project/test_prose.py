"""The documents and docstrings use the usual words, and the links between the documents lead somewhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FOR_OPERATORS = [ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
DOCUMENTS = [ROOT / "README.md", *FOR_OPERATORS, ROOT / "tests/collectors/README.md"]
PACKAGES = ("switch", "agent", "delivery", "hep", "words", "tools", "install")

PRIVATE_WORDS = {
    r"errands?": "a request",
    r"strangers?": "an unknown leg",
    r"knocks?": "mod_python3 calls an entry point",
    r"doors?": "an entry point",
    r"the house": "the layout",
    r"living (?:legs?|channels?|calls?)": "known legs, existing channels, calls in progress",
    r"last words": "the last messages of a call",
    r"in a word|with a word|without a word": "say what is there, or: silently",
    r"in whose name": "under which Call-ID",
    r"far end says|switch won't say": "the far end reports, FreeSWITCH does not answer",
    r"goes on from the last": "continues the previous report",
    r"of the kind 1000": "describe the numbers",
    r"forgets?|forgotten": "drop, remove, invalidate",
    r"the court": "the judges",
}
"""Words that only the authors understand, and what to write instead."""

FOUND = re.compile(rf"(?<!\w)(?:{'|'.join(PRIVATE_WORDS)})(?!\w)", re.IGNORECASE)

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def docstrings(path: Path) -> Iterator[str]:
    """The texts of a module that stand as statements: docstrings of modules, classes, functions and attributes."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value


def private_words(text: str) -> list[str]:
    return [found.group() for found in FOUND.finditer(" ".join(text.split()))]


def anchors(document: Path) -> set[str]:
    """The headings of a document, as links name them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_documents_use_the_usual_words(document: Path) -> None:
    assert private_words(document.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_docstrings_use_the_usual_words(package: str) -> None:
    modules = sorted((ROOT / "fs_hepipe" / package).glob("*.py"))
    assert modules
    assert {path.name: found for path in modules if (found := private_words("\n".join(docstrings(path))))} == {}


@pytest.mark.parametrize("text", ["It leaves a\ndoor.", "Forgotten legs", "without a word", "The living  channels"])
def test_a_private_word_is_found(text: str) -> None:
    assert len(private_words(text)) == 1


def test_usual_words_are_not_found() -> None:
    assert private_words("An indoor phone, known legs, an unforgettable call, FreeSWITCH says 486.") == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files_and_headings(document: Path) -> None:
    broken = []
    for target in LINK.findall(document.read_text(encoding="utf-8")):
        name, _, anchor = target.partition("#")
        path = document.parent / name if name else document
        if "://" not in target and (not path.is_file() or (anchor and anchor not in anchors(path))):
            broken.append(target)
    assert broken == []


def test_every_document_is_linked_from_the_readme() -> None:
    linked = {target.partition("#")[0] for target in LINK.findall((ROOT / "README.md").read_text(encoding="utf-8"))}
    assert {path.relative_to(ROOT).as_posix() for path in FOR_OPERATORS} <= linked

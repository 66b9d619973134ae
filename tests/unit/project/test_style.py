"""What the style of the package demands and no linter looks at."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "fs_hepipe"


def test_no_attribute_is_born_outside_init() -> None:
    """Whoever reads `__init__` of a class and of its base, or the body without one, has seen all an object holds."""
    classes = [
        (path, node)
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    ]
    ours = {node.name: born(node) for _, node in classes}
    found = {
        f"{path.relative_to(ROOT).as_posix()}: {node.name}.{attribute}"
        for path, node in classes
        for attribute in born_later(node).difference(*(ours.get(ast.unparse(base), set()) for base in node.bases))
    }
    assert found == set()


def test_what_is_born_where_is_seen() -> None:
    (good, bad) = ast.parse(
        """
class Good(Base):
    of_class: int = 1
    __slots__ = ("slot",)
    def __init__(me):
        me.plain = me.slot = 1
        me.declared: int
        me.one, (me.two, *me.rest) = 1, (2, 3)
        for me.looped in ():
            pass
        with a as me.opened:
            me.counted += 1
    def later(this):
        this.plain = this.slot = this.declared = this.one = this.two = this.rest = this.opened = this.of_class = 1
        this.plain.inner = other.foreign = 1
    @staticmethod
    def made(other):
        other.foreign = 1

class Bad:
    __slots__ = ("unfilled",)
    plain: int
    def __init__(self):
        self.gone = 1
    def later(self):
        self.late = 1
        self.plain: int = 1
        for self.looped, self.other in ():
            del self.gone
        with a as self.opened:
            self.counted += 1
"""
    ).body
    assert isinstance(good, ast.ClassDef)
    assert isinstance(bad, ast.ClassDef)
    assert born_later(good) == set()
    assert born_later(bad) == {"unfilled", "plain", "late", "looped", "other", "opened", "counted"}


def born_later(node: ast.ClassDef) -> set[str]:
    """The attributes that a class assigns, or has slots for, and that neither its body nor its `__init__` has."""
    methods = [each for each in node.body if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef))]
    methods = [each for each in methods if not any(ast.unparse(word) == "staticmethod" for word in each.decorator_list)]
    later = {name for each in methods if each.name != "__init__" for name in assigned(each)}
    return (later | slots(node)) - born(node)


def born(node: ast.ClassDef) -> set[str]:
    """The attributes that the body of a class and its `__init__` have."""
    methods = [each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"]
    return {name for each in methods for name in assigned(each)} | valued(node)


def assigned(method: ast.AST) -> Iterator[str]:
    """The attributes of its own object that a method assigns or declares."""
    if isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)) and method.args.args:
        own = method.args.args[0].arg
        attributes = [each for each in ast.walk(method) if isinstance(each, ast.Attribute)]
        for each in attributes:
            if isinstance(each.ctx, ast.Store) and ast.unparse(each.value) == own:
                yield each.attr


def valued(node: ast.ClassDef) -> set[str]:
    """The names that the body of a class gives a value."""
    targets: list[ast.expr] = []
    for each in node.body:
        if isinstance(each, ast.Assign):
            targets += each.targets
        elif isinstance(each, ast.AnnAssign) and each.value is not None:
            targets.append(each.target)
    return {target.id for target in targets if isinstance(target, ast.Name)}


def slots(node: ast.ClassDef) -> set[str]:
    """The names in `__slots__`."""
    for each in node.body:
        if isinstance(each, ast.Assign) and any(ast.unparse(target) == "__slots__" for target in each.targets):
            names = ast.literal_eval(each.value)
            return {names} if isinstance(names, str) else set(names)
    return set()

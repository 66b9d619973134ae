"""
The names of construct that we use, imported without readline.

construct imports pdb, which imports readline on CPython 3.13. That takes 107 KiB of the 240 KiB of stack that
mod_python3 gives a thread, and loads GNU readline into a process that already links libedit (libfreeswitch). None in
sys.modules makes the import of a module fail; pdb expects that.
"""

from __future__ import annotations

import sys

_loaded_before = "readline" in sys.modules
if not _loaded_before:
    sys.modules["readline"] = None  # type: ignore[assignment]
try:
    from construct import (
        Adapter,
        Array,
        Bytes,
        Const,
        Construct,
        ConstructError,
        Error,
        ExprAdapter,
        FocusedSeq,
        FormatField,
        GreedyBytes,
        GreedyRange,
        Int8ub,
        Int16ub,
        Int16ul,
        Int32ub,
        Int32ul,
        Prefixed,
        Struct,
        Switch,
        Terminated,
        obj_,
        this,
    )
finally:
    if not _loaded_before:
        del sys.modules["readline"]

__all__ = [
    "Adapter",
    "Array",
    "Bytes",
    "Const",
    "Construct",
    "ConstructError",
    "Error",
    "ExprAdapter",
    "FocusedSeq",
    "FormatField",
    "GreedyBytes",
    "GreedyRange",
    "Int8ub",
    "Int16ub",
    "Int16ul",
    "Int32ub",
    "Int32ul",
    "Prefixed",
    "Struct",
    "Switch",
    "Terminated",
    "obj_",
    "this",
]

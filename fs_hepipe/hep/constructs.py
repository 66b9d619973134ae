"""
The names we use of construct, imported so that it brings no readline with it.

construct imports pdb, and that imports readline on CPython 3.13: 107 KiB of the 240 KiB of stack that mod_python3
gives, and GNU readline in a process that already links libedit (libfreeswitch). None in sys.modules makes the import
of a module fail, which pdb expects.
"""

from __future__ import annotations

import sys

_loaded_before = "readline" in sys.modules
if not _loaded_before:
    sys.modules["readline"] = None  # type: ignore[assignment]
try:
    from construct import (
        Adapter,
        Bytes,
        Const,
        Construct,
        ConstructError,
        ExprAdapter,
        FocusedSeq,
        FormatField,
        GreedyBytes,
        GreedyRange,
        Int8ub,
        Int16ub,
        Int32ub,
        Prefixed,
        Struct,
        Switch,
        Terminated,
        obj_,
    )
finally:
    if not _loaded_before:
        del sys.modules["readline"]

__all__ = [
    "Adapter",
    "Bytes",
    "Const",
    "Construct",
    "ConstructError",
    "ExprAdapter",
    "FocusedSeq",
    "FormatField",
    "GreedyBytes",
    "GreedyRange",
    "Int8ub",
    "Int16ub",
    "Int32ub",
    "Prefixed",
    "Struct",
    "Switch",
    "Terminated",
    "obj_",
]

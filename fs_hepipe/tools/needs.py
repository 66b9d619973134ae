"""What the extra `[tools]` holds, and what to say where it is not installed."""

from __future__ import annotations

from importlib import import_module
from typing import Optional


def needs(*modules: str) -> Optional[str]:
    """One line about what is missing, None if nothing is."""
    missing = [module for module in modules if not has(module)]
    if not missing:
        return None
    return f"error: {', '.join(missing)} not found: pip install 'fs_hepipe[tools]'"


def has(module: str) -> bool:
    """Whether a module can be imported; it is then."""
    try:
        import_module(module)
    except ImportError:
        return False
    return True

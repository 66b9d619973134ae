"""What the extra `[tools]` holds, and what to say where it is not installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Optional


def needs(*modules: str) -> Optional[str]:
    """One line about what is missing, None if nothing is."""
    missing = [module for module in modules if find_spec(module) is None]
    if not missing:
        return None
    return f"error: {', '.join(missing)} not found: pip install 'fs_hepipe[tools]'"

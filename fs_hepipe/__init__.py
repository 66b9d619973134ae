"""
fs_hepipe sends to Homer, as HEP3, what only FreeSWITCH knows about a call.

mod_python3 reloads this module before every call: it holds no state and does no work. The entry points are in
`switch.entry_points`.
"""

from fs_hepipe import version

__all__ = ["__version__"]

__version__ = version.VERSION

try:
    from fs_hepipe.switch.entry_points import fsapi, handler, runtime
except ImportError as error:
    # Outside FreeSWITCH there are no entry points, only `fs_hepipe.tools`. Debian's package installs freeswitch.py for
    # every Python, but the _freeswitch that it imports exists only inside FreeSWITCH.
    if error.name not in {"freeswitch", "_freeswitch"}:
        raise
else:
    __all__ += ["fsapi", "handler", "runtime"]

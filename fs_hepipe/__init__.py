"""
fs_hepipe: what only FreeSWITCH knows of a call, told to Homer as HEP3.

mod_python3 reloads this module before every call: it holds no state and does no work. The doors are in `switch.doors`.
"""

from fs_hepipe import version

__all__ = ["__version__"]

__version__ = version.VERSION

try:
    from fs_hepipe.switch.doors import fsapi, handler, runtime
except ImportError as error:
    # Outside the switch there are no doors, only `fs_hepipe.tools`. Debian's package puts freeswitch.py where every
    # Python finds it, and the _freeswitch that it wants is only inside the switch.
    if error.name not in {"freeswitch", "_freeswitch"}:
        raise
else:
    __all__ += ["fsapi", "handler", "runtime"]

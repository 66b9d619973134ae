"""
Installing into FreeSWITCH: the package, construct and both XML files to the folders of this machine's switch.

`scripts/install` of a checkout and `fs-hepipe install-into-switch` both run this. It needs nothing but the standard
library, and works where construct is missing.
"""

from fs_hepipe.install.command import add_arguments, main, run

__all__ = ["add_arguments", "main", "run"]

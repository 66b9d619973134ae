"""`python -m fs_hepipe …`: the tools for outside FreeSWITCH."""

import sys

from fs_hepipe.tools import main

if __name__ == "__main__":
    sys.exit(main())

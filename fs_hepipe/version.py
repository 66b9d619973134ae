"""The package's version and what it needs, alone in a file so that setup.py can read it without importing anything."""

VERSION = "0.1.0"

CONSTRUCT_FROM, CONSTRUCT_BELOW = "2.10.68", "2.11"
CONSTRUCT = f"construct>={CONSTRUCT_FROM},<{CONSTRUCT_BELOW}"

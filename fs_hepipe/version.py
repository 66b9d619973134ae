"""The package's version, alone in a file so that setup.py can read it without importing anything."""

VERSION = "0.1.0"

"""
The errors of fs_hepipe. An entry point catches `HepipeError` and answers with its text.
"""

from __future__ import annotations


class HepipeError(Exception):
    """Base of the errors of fs_hepipe; the text can be shown to an operator."""


class ConfigError(HepipeError):
    """A configuration that can't be used. `problems` has one line per problem, each naming its parameter."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class HepError(HepipeError):
    """Octets that are no HEP3 message, or a message that HEP3 can't carry. The text names the offset or the field."""


class TooLongError(HepError):
    """A message longer than HEP3 can carry."""


class MappingError(HepipeError):
    """An event whose headers can't be mapped. It is counted under `reason`."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


class TransportError(HepipeError):
    """A collector's address that can't be used."""

"""What an agent does whose operator has said nothing."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from fs_hepipe.words.settings import Settings


def test_every_report_is_made() -> None:
    assert all(getattr(Settings(), f"report_{kind}_events") for kind in ("call", "rtcp", "qos", "custom"))


def test_homer_is_served_as_it_reads() -> None:
    """Type 34 for heplify-server, jitter in the milliseconds that Homer's charts assume, each leg under its own id."""
    defaults = Settings()
    assert (defaults.qos_type, defaults.rtcp_jitter_unit, defaults.correlation) == ((34,), "ms", "own")
    assert defaults.rtcp_packets_lost == "fraction"
    assert (defaults.call_log_format, defaults.capture_id, defaults.capture_password) == ("text", 2001, None)
    assert defaults.max_legs == 20_000


def test_refreshes_of_registrations_are_not_reported() -> None:
    reported = {subclass.replace("sofia::", "") for subclass in Settings().custom_events}
    assert reported >= {"register", "unregister", "expire", "register_failure", "gateway_state"}
    assert reported.isdisjoint({"register_attempt", "pre_register"})


def test_settings_can_not_change_under_a_running_agent() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().max_legs = 1  # type: ignore[misc]

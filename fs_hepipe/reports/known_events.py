"""
CUSTOM events that we know: which headers say something about them, which of them are chatty, whose they are.

Every other subclass shows all headers that it has of its own.
"""

from __future__ import annotations

from typing import NamedTuple, Optional

from fs_hepipe.words.event import Get

# fmt: off
REGISTRATION = (                # sofia_reg.c:sofia_reg_handle_register_token, sofia_reg_del_callback; sofia.c
    "status", "profile-name", "from-user", "from-host", "to-user", "to-host", "user", "host", "contact", "expires",
    "network-ip", "network-port", "username", "realm", "user-agent", "registration-type",
    "auth-result", "reason", "update-reg",
)
GATEWAY = (                     # sofia_reg.c:sofia_reg_fire_custom_gateway_state_event
    "Gateway", "State", "Ping-Status", "Status", "Phrase", "profile-name", "Register-Network-IP",
    "Register-Network-Port", "realm",
)
LEG = ("Channel-Name", "Unique-ID")
"""Last in the line of a leg, as in its other lines."""

KEYS = {"Channel-Name": "channel", "Unique-ID": "leg"}
"""What those other lines call them."""


class Module(NamedTuple):
    """The events of one subclass."""

    headers: tuple[str, ...]
    """Those that are shown, in their order."""
    action: Optional[str] = None
    """The header that tells what happened."""
    chatty: frozenset[str] = frozenset()
    """Actions that come by the dozen, or say nothing about a call: not logged unless they are asked for by name."""
    leg: Optional[str] = None
    """The header that names the leg where there is no Unique-ID."""


MODULES = {
    "conference::maintenance": Module(  # conference_event.c:conference_event_add_data, conference_member_add_event_data
        (
            "Action", "Conference-Name", "Old-Conference-Name", "New-Conference-Name", "Conference-Size", "Member-ID",
            "Member-Type", "Hear", "Speak", "Talking", "Hold", "Floor", "Old-ID", "New-ID", "Energy-Level", "New-Level",
            "Volume-Level", "Result", "File", "Path", "DTMF-Key", "Digits", "Peer-UUID", "Conference-Unique-ID", *LEG,
        ),
        "Action",
        frozenset({
            "start-talking", "stop-talking", "talk-report", "floor-change", "video-floor-change",
            "conference-heartbeat", "energy-level", "energy-level-member", "auto-energy-level-member",
            "max-energy-level-member", "agc-level-member", "mute-detect", "volume-level", "gain-level",
            "play-file", "play-file-done", "play-file-member", "play-file-member-done",
        }),
    ),
    "callcenter::info": Module(         # mod_callcenter.c
        (
            "CC-Action", "CC-Queue", "CC-Agent", "CC-Member-CID-Name", "CC-Member-CID-Number", "CC-Cause",
            "CC-Cancel-Reason", "CC-Hangup-Cause", "CC-Agent-State", "CC-Agent-Status", "CC-Agent-No-Answer-Count",
            "CC-Count", "CC-Member-UUID", "CC-Agent-UUID", *LEG,
        ),
        "CC-Action",
        frozenset({
            "members-count", "agent-add", "agent-state-change", "agent-status-change", "agent-contact-change",
            "agent-status-get", "agent-state-get", "agent-uuid-get",
        }),
        leg="CC-Member-Session-UUID",
    ),
    "fifo::info": Module(               # mod_fifo.c
        (
            "FIFO-Action", "FIFO-Name", "FIFO-Slot", "FIFO-Type", "FIFO-Caller-UUID", "FIFO-Caller-Talk-Time-s",
            "FIFO-Consumer-Talk-Time-s", "FIFO-Result", "outbound-strategy", "caller-uuid", "result", "cause", *LEG,
        ),
        "FIFO-Action",
        frozenset({"channel-consumer-start", "channel-consumer-stop", "consumer_reentrance", "consumer_wrapup"}),
    ),
    "valet_parking::info": Module(      # mod_valet_parking.c:valet_parking_function
        ("Action", "Valet-Lot-Name", "Valet-Extension", "Bridge-To-UUID", *LEG), "Action",
    ),
    "verto::login": Module(             # mod_verto.c:login_fire_custom_event; none of mod_verto's has a Unique-ID
        ("verto_success", "verto_result_txt", "verto_login", "verto_profile_name", "verto_client_address"),
    ),
    **dict.fromkeys(                    # mod_verto.c:client_run, client_thread
        ("verto::client_connect", "verto::client_disconnect"),
        Module(("verto_login", "verto_profile_name", "verto_client_address")),
    ),
    **dict.fromkeys(                    # mod_spandsp_fax.c:phase_e_handler, phase_b_handler, phase_d_handler
        (
            "spandsp::rxfaxresult", "spandsp::txfaxresult", "spandsp::rxfaxnegociateresult",  # sic
            "spandsp::txfaxnegociateresult", "spandsp::rxfaxpageresult", "spandsp::txfaxpageresult",
        ),
        Module((
            "fax-success", "fax-result-code", "fax-result-text", "fax-document-transferred-pages",
            "fax-document-total-pages", "fax-transfer-rate", "fax-ecm-used", "fax-t38-status", "fax-bad-rows",
            "fax-longest-bad-row-run", "fax-image-resolution", "fax-image-size", "fax-encoding-name",
            "fax-local-station-id", "fax-remote-station-id", "fax-remote-country", "fax-remote-vendor",
            "fax-remote-model", *LEG,
        )),
    ),
}
# fmt: on


def subclass_of(entry: str) -> str:
    """The subclass of an entry of `custom-events`: `conference::maintenance/start-talking` names an action too."""
    return entry.partition("/")[0]


def is_logged(subclass: str, get: Get, entries: tuple[str, ...]) -> bool:
    """Whether `custom-events` asks for this event: by its subclass, unless it is chatty, or by its action."""
    module = MODULES.get(subclass)
    action = get(module.action) if module is not None and module.action is not None else None
    if module is None or action is None:
        return subclass in entries
    return (subclass in entries and action not in module.chatty) or f"{subclass}/{action}" in entries


def shown_headers(subclass: str) -> Optional[tuple[str, ...]]:
    """The headers that are shown of a subclass; None: all that it has of its own."""
    if subclass in MODULES:
        return MODULES[subclass].headers
    if subclass.startswith("sofia::gateway"):
        return GATEWAY
    if subclass.startswith("sofia::") and ("regist" in subclass or subclass == "sofia::expire"):
        return REGISTRATION
    return None


def leg_header(subclass: str) -> Optional[str]:
    """The header that names the leg of an event without a Unique-ID."""
    module = MODULES.get(subclass)
    return None if module is None else module.leg

"""What is remembered of a channel, for how long, and how much of it."""

from __future__ import annotations

from typing import Optional

import pytest

from fs_hepipe.calls.endpoint import Endpoint
from fs_hepipe.calls.leg import Leg
from fs_hepipe.calls.legs import LINGER, SILENCE, STRANGE, Legs
from fs_hepipe.calls.record import Record
from fs_hepipe.calls.waiting import Waiting
from fs_hepipe.hep.registry import IpProtocol
from fs_hepipe.words.counters import Counters
from tests.unit.synthetic import Channel, audio, sip, video

TELL_SIP = [
    "CHANNEL_CREATE", "CHANNEL_PROGRESS", "CHANNEL_PROGRESS_MEDIA", "CHANNEL_ANSWER", "CHANNEL_BRIDGE", "CALL_UPDATE",
    "CHANNEL_HOLD", "CHANNEL_UNHOLD", "CHANNEL_UUID", "CHANNEL_DATA",
]  # fmt: skip
TELL_MEDIA = [
    "CHANNEL_PROGRESS_MEDIA", "CHANNEL_ANSWER", "CHANNEL_BRIDGE", "CALL_UPDATE", "CHANNEL_HOLD", "CHANNEL_UNHOLD",
    "CHANNEL_DATA",
]  # fmt: skip
ENDS = ["CHANNEL_UNBRIDGE", "CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY", "CUSTOM"]


class Memory(Legs):
    """Legs that are told of events."""

    def __init__(self, max_legs: int = 100) -> None:
        super().__init__(max_legs, Waiting(Counters()))

    def hear(
        self, channel: Channel, name: str, variables: Optional[dict[str, str]] = None, *, now: float = 0.0
    ) -> Leg:
        heard = channel.event(name, variables)
        return self.observe(name, channel.unique_id, heard.getHeader, now)


# --- Call-ID and signalling -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TELL_SIP)
def test_a_leg_learns_its_call_id_from_any_event_with_variables(name: str) -> None:
    assert Memory().hear(Channel(), name, sip("call-a")).call_id == "call-a"


@pytest.mark.parametrize("name", TELL_SIP)
def test_the_newest_call_id_holds(name: str) -> None:
    legs, channel = Memory(), Channel()
    legs.hear(channel, "CHANNEL_CREATE", sip("first"))
    assert legs.hear(channel, name, sip("second")).call_id == "second"


def test_an_event_without_a_call_id_does_not_take_one_away() -> None:
    legs, channel = Memory(), Channel()
    legs.hear(channel, "CHANNEL_CREATE", sip("call-a"))
    assert legs.hear(channel, "CHANNEL_ANSWER", sip(None)).call_id == "call-a"
    assert legs.hear(channel, "CHANNEL_ANSWER", {"variable_sip_call_id": ""}).call_id == "call-a"


@pytest.mark.parametrize("name", ENDS)
def test_an_agent_that_came_late_learns_from_the_last_words_too(name: str) -> None:
    leg = Memory().hear(Channel(), name, {**sip("call-a"), **audio()})
    assert leg.call_id == "call-a"
    assert leg.audio is not None


@pytest.mark.parametrize("name", ENDS)
def test_of_call_id_and_address_the_last_words_tell_the_one_that_is_missing(name: str) -> None:
    legs, a, b = Memory(), Channel("a"), Channel("b")
    legs.hear(a, "CHANNEL_CREATE", {"variable_sip_call_id": "call-a"})
    assert legs.hear(a, name, sip("call-a")).remote == Endpoint("198.51.100.7", 5062)
    legs.hear(b, "CHANNEL_CREATE", sip(None))
    assert legs.hear(b, name, sip("call-b")).call_id == "call-b"


def test_an_outgoing_leg_has_the_call_id_that_its_invite_was_told_to_have() -> None:
    legs, channel = Memory(), Channel(outbound=True)
    leg = legs.hear(channel, "CHANNEL_CREATE", {"variable_sip_invite_call_id": "chosen"})
    assert leg.call_id == "chosen"
    assert legs.hear(channel, "CHANNEL_ANSWER", {"variable_sip_invite_call_id": "other"}).call_id == "chosen"
    assert legs.hear(channel, "CHANNEL_ANSWER", sip("real")).call_id == "real"
    both = {**sip("real"), "variable_sip_invite_call_id": "chosen"}
    assert Memory().hear(channel, "CHANNEL_ANSWER", both).call_id == "real"


def test_an_incoming_leg_does_not_take_the_call_id_it_wants_others_to_have() -> None:
    leg = Memory().hear(Channel(), "CHANNEL_CREATE", {"variable_sip_invite_call_id": "chosen"})
    assert leg.call_id is None


def test_a_call_id_is_kept_octet_by_octet() -> None:
    hostile = b'caf\xe9"\\\x01'.decode("utf-8", "surrogateescape") + "x" * 60_000
    assert Memory().hear(Channel(), "CHANNEL_CREATE", sip(hostile)).call_id == hostile


def test_signalling_endpoints_are_those_of_the_sip_dialog() -> None:
    leg = Memory().hear(Channel(), "CHANNEL_CREATE", sip())
    assert leg.remote == Endpoint("198.51.100.7", 5062)
    assert leg.local == Endpoint("192.0.2.2", 5060)
    assert leg.ip_protocol == IpProtocol.UDP


@pytest.mark.parametrize(
    "transport, ip_protocol, port",
    [
        ("udp", IpProtocol.UDP, 5060),
        ("tcp", IpProtocol.TCP, 5060),
        ("tls", IpProtocol.TCP, 0),
        ("ws", IpProtocol.TCP, 0),
        ("wss", IpProtocol.TCP, 0),
        ("sctp", IpProtocol.SCTP, 0),
        ("odd", IpProtocol.UDP, 0),
    ],
)
def test_the_transport_tells_the_protocol_and_whether_the_profiles_port_is_its_own(
    transport: str, ip_protocol: int, port: int
) -> None:
    """The URL of a profile names its UDP and TCP port; that of TLS and WebSocket is not told."""
    leg = Memory().hear(Channel(), "CHANNEL_CREATE", sip(transport=transport))
    assert (leg.ip_protocol, leg.local) == (ip_protocol, Endpoint("192.0.2.2", port))


def test_the_via_tells_the_transport_where_no_variable_does() -> None:
    variables = {**sip(), "variable_sip_full_via": "SIP/2.0/TLS 198.51.100.7:5061; branch=z9hG4bK1"}
    del variables["variable_sip_via_protocol"]
    assert Memory().hear(Channel(), "CHANNEL_ANSWER", variables).ip_protocol == IpProtocol.TCP
    del variables["variable_sip_full_via"]
    assert Memory().hear(Channel(), "CHANNEL_ANSWER", variables).ip_protocol == IpProtocol.UDP


@pytest.mark.parametrize(
    "url, port", [("sip:mod_sofia@192.0.2.2:5080", 5080), ("sip:mod_sofia@[2001:db8::2]:5080", 5080), (None, 0),
                  ("sip:mod_sofia@192.0.2.2", 0), ("sip:x@h:65535", 65_535), ("sip:x@h:65536", 0), ("sip:x@h:", 0)],
)  # fmt: skip
def test_the_local_port_is_that_of_the_profile_or_unknown(url: Optional[str], port: int) -> None:
    variables = sip()
    del variables["variable_sofia_profile_url"]
    if url is not None:
        variables["variable_sofia_profile_url"] = url
    assert Memory().hear(Channel(), "CHANNEL_CREATE", variables).local == Endpoint("192.0.2.2", port)


def test_a_far_end_that_stays_where_it_is_may_change_all_else() -> None:
    legs, a = Memory(), Channel()
    variables = sip()
    del variables["variable_sofia_profile_url"]
    assert legs.hear(a, "CHANNEL_CREATE", variables).local == Endpoint("192.0.2.2", 0)
    assert legs.hear(a, "CHANNEL_ANSWER", sip()).local == Endpoint("192.0.2.2", 5060)
    moved = {**sip(transport="tls"), "variable_sip_local_network_addr": "192.0.2.3"}
    leg = legs.hear(a, "CALL_UPDATE", moved)
    assert (leg.local, leg.ip_protocol) == (Endpoint("192.0.2.3", 0), IpProtocol.TCP)


@pytest.mark.parametrize("lacking", [{}, {"variable_sip_local_network_addr": "host.example.invalid"}])
def test_our_address_is_kept_when_an_event_has_none(lacking: dict[str, str]) -> None:
    legs, a = Memory(), Channel()
    legs.hear(a, "CHANNEL_CREATE", sip())
    variables = {**sip(remote="203.0.113.5:5070"), **lacking}
    if not lacking:
        del variables["variable_sip_local_network_addr"]
    leg = legs.hear(a, "CALL_UPDATE", variables)
    assert (leg.local, leg.remote) == (Endpoint("192.0.2.2", 5060), Endpoint("203.0.113.5", 5070))


def test_a_far_end_without_a_port_has_port_0() -> None:
    leg = Memory().hear(Channel(), "CHANNEL_CREATE", {"variable_sip_network_ip": "198.51.100.7"})
    assert (leg.remote, leg.local) == (Endpoint("198.51.100.7", 0), None)


@pytest.mark.parametrize("ip", ["host.example.invalid", "", "198.51.100"])
def test_a_far_end_that_is_no_address_is_not_known(ip: str) -> None:
    leg = Memory().hear(Channel(), "CHANNEL_CREATE", {**sip(), "variable_sip_network_ip": ip})
    assert (leg.remote, leg.local) == (None, None)


def test_a_call_that_moves_has_its_new_signalling_address() -> None:
    legs, channel = Memory(), Channel()
    legs.hear(channel, "CHANNEL_CREATE", sip())
    assert legs.hear(channel, "CALL_UPDATE", sip(remote="203.0.113.5:5070")).remote == Endpoint("203.0.113.5", 5070)


@pytest.mark.parametrize("name", [*TELL_SIP, *ENDS])
def test_a_channel_that_is_not_sip_has_no_call_id_whatever_its_variables_say(name: str) -> None:
    """A loopback channel is given copies of its A leg's variables: those are not its own."""
    leg = Memory().hear(Channel(name="loopback/1321-a"), name, sip("of the a leg"))
    assert not leg.is_sip
    assert (leg.call_id, leg.remote) == (None, None)


# --- media ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TELL_MEDIA)
def test_the_newest_media_endpoints_hold(name: str) -> None:
    legs, channel = Memory(), Channel()
    legs.hear(channel, "CHANNEL_ANSWER", {**sip(), **audio(remote=30_000)})
    leg = legs.hear(channel, name, {**sip(), **audio(remote=31_000)})
    assert leg.audio is not None
    assert leg.audio.remote_rtcp == Endpoint("198.51.100.7", 31_001)


@pytest.mark.parametrize(
    "name, remote",
    [("CHANNEL_HANGUP", 31_000), ("CHANNEL_HANGUP_COMPLETE", 31_000), ("CHANNEL_DESTROY", 31_000)],
)
def test_at_the_end_of_a_leg_its_media_are_read_once_more_for_the_report_on_quality(name: str, remote: int) -> None:
    legs, channel = Memory(), Channel()
    legs.hear(channel, "CHANNEL_ANSWER", {**sip(), **audio(remote=30_000)})
    leg = legs.hear(channel, name, {**sip("other"), **audio(remote=31_000)})
    assert leg.audio is not None
    assert (leg.call_id, leg.audio.remote) == ("call-a", Endpoint("198.51.100.7", remote))
    leg.reported = True
    assert legs.hear(channel, "CHANNEL_DESTROY", {**sip(), **audio(remote=32_000)}).audio is leg.audio
    assert leg.audio.remote == Endpoint("198.51.100.7", remote)


def test_a_leg_has_audio_and_video() -> None:
    leg = Memory().hear(Channel(), "CHANNEL_ANSWER", {**sip(), **audio(), **video()})
    assert [medium.kind for medium in leg.media] == ["audio", "video"]
    assert Leg("x").media == []


def test_a_channel_that_is_not_sip_has_media_all_the_same() -> None:
    """A browser on mod_verto sends RTCP like any phone."""
    leg = Memory().hear(Channel(name="verto.rtc/1001"), "CHANNEL_ANSWER", audio())
    assert leg.audio is not None
    assert leg.audio.remote == Endpoint("198.51.100.7", 30_000)


# --- the other leg ----------------------------------------------------------------------------------------------------


def test_both_legs_know_each_other_when_one_names_the_other() -> None:
    legs = Memory()
    a = legs.hear(Channel("a"), "CHANNEL_CREATE", sip())
    b = legs.hear(Channel("b", outbound=True, other="a"), "CHANNEL_CREATE")
    assert legs.other(b) is a
    assert legs.other(a) is b


def test_the_fork_that_made_progress_last_is_the_other_leg_of_who_called() -> None:
    legs, b1, b2 = Memory(), Channel("b1", other="a"), Channel("b2", other="a")
    a = legs.hear(Channel("a"), "CHANNEL_CREATE")
    first = legs.hear(b1, "CHANNEL_CREATE")
    assert legs.other(a) is first
    second = legs.hear(b2, "CHANNEL_CREATE")
    assert legs.other(a) is second
    legs.hear(b1, "CHANNEL_ANSWER")
    legs.hear(b2, "CHANNEL_HANGUP_COMPLETE")
    assert legs.other(a) is first
    assert legs.other(second) is a


def test_a_leg_that_failed_makes_room_for_the_next() -> None:
    """Failover: who called must not be told to talk to the one that refused."""
    legs = Memory()
    a = legs.hear(Channel("a", other="b1"), "CHANNEL_BRIDGE")
    legs.destroy(legs.hear(Channel("b1", other="a"), "CHANNEL_CREATE"), 1.0)
    second = legs.hear(Channel("b2", other="a"), "CHANNEL_CREATE")
    assert legs.other(a) is second


def test_a_leg_that_names_its_other_leg_is_believed_as_long_as_that_lives() -> None:
    """A third leg that names it, in a consultation, does not come between them."""
    legs = Memory()
    a = legs.hear(Channel("a", other="b"), "CHANNEL_BRIDGE")
    b = legs.hear(Channel("b", other="a"), "CHANNEL_BRIDGE")
    legs.hear(Channel("c", other="a"), "CHANNEL_CREATE")
    assert legs.other(a) is b


def test_the_leg_that_a_leg_names_last_is_its_other_leg() -> None:
    """After a transfer."""
    legs = Memory()
    legs.hear(Channel("b"), "CHANNEL_CREATE")
    c = legs.hear(Channel("c"), "CHANNEL_CREATE")
    legs.hear(Channel("a", other="b"), "CHANNEL_BRIDGE")
    a = legs.hear(Channel("a", other="c"), "CHANNEL_BRIDGE")
    assert legs.other(a) is c


def test_a_leg_that_names_one_that_nobody_saw_is_introduced_to_one_that_is_there() -> None:
    legs = Memory()
    a = legs.hear(Channel("a", other="unseen"), "CHANNEL_CREATE")
    b = legs.hear(Channel("b", other="a"), "CHANNEL_CREATE")
    assert legs.other(a) is b


def test_an_agent_that_came_late_learns_of_both_legs_from_the_end_of_one() -> None:
    legs = Memory()
    a = legs.hear(Channel("a"), "CHANNEL_UNBRIDGE")
    b = legs.hear(Channel("b", other="a"), "CHANNEL_HANGUP_COMPLETE")
    assert legs.other(a) is b


def test_a_leg_is_not_its_own_other_leg() -> None:
    leg = Memory().hear(Channel("a", other="a"), "CHANNEL_CREATE")
    assert leg.other_id is None


def test_an_other_leg_that_nobody_saw_is_known_by_name_only() -> None:
    legs = Memory()
    leg = legs.hear(Channel("a", other="unseen"), "CHANNEL_BRIDGE")
    assert (leg.other_id, legs.other(leg)) == ("unseen", None)
    assert len(legs) == 1


def test_the_direction_is_that_of_the_leg_and_unknown_until_it_is_told() -> None:
    legs = Memory()
    assert legs.get("a", 0.0).outbound is None
    assert legs.hear(Channel("a"), "CHANNEL_CREATE").outbound is False
    assert legs.hear(Channel("b", outbound=True), "CHANNEL_CREATE").outbound is True


# --- renames ----------------------------------------------------------------------------------------------------------


def test_a_renamed_channel_is_the_same_leg() -> None:
    legs = Memory()
    leg = legs.hear(Channel("old"), "CHANNEL_CREATE", sip("call-a"))
    assert legs.hear(Channel("new"), "CHANNEL_UUID", {"Old-Unique-ID": "old"}) is leg
    assert (leg.unique_id, leg.call_id) == ("new", "call-a")
    assert legs.find("old") is leg, "its RTCP may still be on its way"
    list(legs.drop_old(LINGER))
    assert legs.find("old") is None
    assert legs.find("new") is leg
    assert len(legs) == 1


def test_the_other_leg_of_a_renamed_one_follows() -> None:
    legs = Memory()
    a = legs.hear(Channel("old"), "CHANNEL_CREATE")
    b = legs.hear(Channel("b", other="old"), "CHANNEL_CREATE")
    legs.hear(Channel("new"), "CHANNEL_UUID", {"Old-Unique-ID": "old"})
    assert legs.other(b) is a


def test_every_leg_that_names_a_renamed_one_follows() -> None:
    """Two that ring at once; one of them was not the other leg of who called."""
    legs = Memory()
    a = legs.hear(Channel("old"), "CHANNEL_CREATE")
    forks = [legs.hear(Channel(name, other="old"), "CHANNEL_CREATE") for name in ("b1", "b2")]
    legs.hear(Channel("new"), "CHANNEL_UUID", {"Old-Unique-ID": "old"})
    assert [legs.other(fork) for fork in forks] == [a, a]
    assert [fork.other_id for fork in forks] == ["new", "new"]


def test_what_came_under_the_new_name_before_the_rename_is_the_legs() -> None:
    legs = Memory()
    leg = legs.hear(Channel("old"), "CHANNEL_CREATE", sip())
    legs.waiting.add(leg, Record(1, 100, b"", received=False), 0.0)
    early = legs.get("new", 1.0)
    early.is_new_sender_report(1, (2, 3))
    legs.waiting.add(early, Record(2, 5, b"", received=True), 1.0)
    assert legs.hear(Channel("new"), "CHANNEL_UUID", {"Old-Unique-ID": "old"}) is leg
    assert (early.dropped, early.held, len(legs)) == (True, None, 1)
    legs.drop(early)
    assert legs.find("new") is leg, "who drops what it was does not drop what it is"
    assert [legs.waiting.take(leg).timestamp for _ in range(2)] == [1, 2]
    assert not leg.is_new_sender_report(1, (2, 3))


def test_a_rename_forgets_no_sender_report() -> None:
    legs = Memory()
    leg = legs.hear(Channel("old"), "CHANNEL_CREATE", sip())
    leg.is_new_sender_report(1, (2, 3))
    legs.get("new", 1.0).is_new_sender_report(4, (5, 6))
    legs.hear(Channel("new"), "CHANNEL_UUID", {"Old-Unique-ID": "old"})
    assert not leg.is_new_sender_report(1, (2, 3))
    assert not leg.is_new_sender_report(4, (5, 6))


@pytest.mark.parametrize("ssrcs", [(6, 7), (6, 7, 0xFFFFFFFF)])
def test_of_each_ssrc_the_last_sender_report_is_remembered_and_no_other(ssrcs: tuple[int, ...]) -> None:
    """Whatever the SSRCs and the numbers are: neighbours do not take each other's place."""
    leg = Leg("a")
    for number in range(100):
        for ssrc in ssrcs:
            assert leg.is_new_sender_report(ssrc, (number, ssrc))
        assert not any(leg.is_new_sender_report(ssrc, (number, ssrc)) for ssrc in ssrcs)
        if number:
            assert leg.is_new_sender_report(6, (number - 1, 6)), "it was another one since"
            assert not leg.is_new_sender_report(7, (number, 7))


def test_a_leg_that_was_named_is_the_other_leg_after_its_rename() -> None:
    legs = Memory()
    a = legs.hear(Channel("a"), "CHANNEL_CREATE")
    b = legs.hear(Channel("b", other="a"), "CHANNEL_CREATE")
    legs.hear(Channel("b2"), "CHANNEL_UUID", {"Old-Unique-ID": "b"})
    assert legs.other(a) is b
    stranger = legs.hear(Channel("b"), "CHANNEL_CREATE")
    legs.hear(Channel("a", other="b"), "CHANNEL_ANSWER")
    assert legs.other(a) is b, "it is still named as before, whoever has that Unique-ID now"
    assert stranger.other_id is None


def test_a_leg_that_was_named_before_it_was_there_is_the_other_leg_after_its_rename() -> None:
    legs = Memory()
    a = legs.hear(Channel("a", other="b"), "CHANNEL_CREATE")
    b = legs.hear(Channel("b"), "CHANNEL_CREATE")
    assert legs.other(a) is b
    legs.hear(Channel("b2"), "CHANNEL_UUID", {"Old-Unique-ID": "b"})
    assert legs.other(a) is b
    legs.hear(Channel("a", other="b"), "CHANNEL_ANSWER")
    assert legs.other(a) is b, "it is still named as before"


def test_who_named_a_leg_before_it_was_renamed_twice_has_it_afterwards() -> None:
    legs = Memory()
    legs.get("new", 0.0)  # its RTCP
    a = legs.hear(Channel("old"), "CHANNEL_CREATE", sip("call-a"))
    b = legs.hear(Channel("b", other="new"), "CHANNEL_CREATE")
    legs.hear(Channel("new"), "CHANNEL_UUID", {"Old-Unique-ID": "old"})
    legs.hear(Channel("newest"), "CHANNEL_UUID", {"Old-Unique-ID": "new"})
    assert legs.other(b) is a


def test_a_renamed_leg_leaves_alone_what_names_somebody_else() -> None:
    legs = Memory()
    legs.hear(Channel("c"), "CHANNEL_CREATE")
    legs.hear(Channel("old", other="b"), "CHANNEL_CREATE")
    b = legs.hear(Channel("b", other="c"), "CHANNEL_BRIDGE")
    legs.hear(Channel("new"), "CHANNEL_UUID", {"Old-Unique-ID": "old"})
    assert b.other_id == "c"


@pytest.mark.parametrize("headers", [{}, {"Old-Unique-ID": "never seen"}])
def test_a_rename_of_a_channel_that_nobody_saw_is_a_new_leg(headers: dict[str, str]) -> None:
    legs = Memory()
    assert legs.hear(Channel("new"), "CHANNEL_UUID", headers).unique_id == "new"
    assert len(legs) == 1


def test_a_destroyed_leg_is_found_under_its_new_name() -> None:
    legs = Memory()
    leg = legs.hear(Channel("old"), "CHANNEL_CREATE")
    legs.hear(Channel("new"), "CHANNEL_UUID", {"Old-Unique-ID": "old"})
    legs.destroy(leg, 1.0)
    assert (len(legs), legs.lingering, legs.find("new")) == (0, 1, leg)


# --- forgetting -------------------------------------------------------------------------------------------------------


def test_a_destroyed_leg_is_found_for_five_seconds_more() -> None:
    legs = Memory()
    leg = legs.hear(Channel(), "CHANNEL_CREATE")
    legs.destroy(leg, 100.0)
    assert list(legs.drop_old(100.0 + LINGER - 0.1)) == []
    assert legs.get(leg.unique_id, 104.9) is leg
    assert (len(legs), legs.lingering) == (0, 1)
    assert list(legs.drop_old(100.0 + LINGER)) == []
    assert (legs.find(leg.unique_id), legs.lingering) == (None, 0)
    assert LINGER == 5.0


def test_a_leg_destroyed_twice_is_not_remembered_longer() -> None:
    legs = Memory()
    leg = legs.hear(Channel(), "CHANNEL_CREATE")
    legs.destroy(leg, 100.0)
    legs.destroy(leg, 104.0)
    list(legs.drop_old(105.0))
    assert legs.lingering == 0


def test_a_unique_id_that_is_used_again_is_another_leg() -> None:
    """`originate {origination_uuid=…}` twice: the second call must not speak under the first one's Call-ID."""
    legs = Memory()
    first = legs.hear(Channel("same", outbound=True), "CHANNEL_CREATE", sip("first"))
    legs.destroy(first, 1.0)
    second = legs.hear(Channel("same", outbound=True), "CHANNEL_CREATE", now=2.0)
    assert second is not first
    assert (second.call_id, second.destroyed) == (None, None)
    assert (len(legs), legs.lingering) == (1, 0)


def test_a_unique_id_that_is_used_again_while_the_end_of_the_first_was_lost_is_another_leg() -> None:
    legs = Memory()
    first = legs.hear(Channel("same"), "CHANNEL_CREATE", sip("first"))
    b = legs.hear(Channel("b", other="same"), "CHANNEL_CREATE", sip("call-b"))
    assert legs.other(b) is first
    second = legs.hear(Channel("same"), "CHANNEL_CREATE", sip(None), now=2.0)
    assert second is not first
    assert (second.call_id, len(legs), legs.has_old) == (None, 2, True)
    assert list(legs.drop_old(2.0)) == [first], "what waits on it has to be ended"
    assert (legs.other(b), b.other_id) == (None, "same"), "nobody is the other leg of a call that he was not in"
    assert not legs.has_old


def test_a_leg_that_goes_on_naming_a_unique_id_does_not_join_the_call_that_has_it_now() -> None:
    """FreeSWITCH says Other-Leg-Unique-ID with every event, whatever became of that leg."""
    legs, channel = Memory(), Channel("b", other="same")
    first = legs.hear(Channel("same"), "CHANNEL_CREATE", sip("first"))
    b = legs.hear(channel, "CHANNEL_CREATE")
    legs.destroy(first, 1.0)
    list(legs.drop_old(10.0))
    legs.hear(channel, "DTMF", now=11.0)
    second = legs.hear(Channel("same"), "CHANNEL_CREATE", sip("second"), now=12.0)
    legs.hear(channel, "DTMF", now=13.0)
    assert legs.other(b) is None
    assert legs.other(second) is not b


def test_a_leg_that_goes_on_naming_the_old_unique_id_of_its_other_leg_keeps_it() -> None:
    legs, channel = Memory(), Channel("b", other="old")
    a = legs.hear(Channel("old"), "CHANNEL_CREATE", sip("call-a"))
    b = legs.hear(channel, "CHANNEL_CREATE")
    legs.hear(Channel("new"), "CHANNEL_UUID", {"Old-Unique-ID": "old"})
    legs.hear(channel, "CHANNEL_HANGUP_COMPLETE")
    assert legs.other(b) is a
    third = legs.hear(Channel("old"), "CHANNEL_CREATE", sip("other call"))
    legs.hear(channel, "CHANNEL_DESTROY")
    assert (legs.other(b), legs.other(third)) == (a, None)


def test_a_rename_to_the_unique_id_of_another_channel_does_not_take_what_is_its() -> None:
    """Whose end was lost."""
    legs = Memory()
    x = legs.hear(Channel("x", outbound=True), "CHANNEL_CREATE")
    legs.waiting.add(x, Record(1, 100, b"", received=False), 0.0)
    y = legs.hear(Channel("y"), "CHANNEL_CREATE", sip("call-y"))
    assert legs.hear(Channel("x"), "CHANNEL_UUID", {"Old-Unique-ID": "y"}, now=1.0) is y
    assert y.held is None
    assert list(legs.drop_old(1.0)) == [x]
    assert (x.destroyed, x.dropped) == (1.0, True)


def test_who_named_a_leg_before_its_rename_was_known_has_it_afterwards() -> None:
    legs = Memory()
    legs.get("new", 0.0)  # its RTCP
    a = legs.hear(Channel("old"), "CHANNEL_CREATE", sip("call-a"))
    b = legs.hear(Channel("b", other="new"), "CHANNEL_CREATE")
    legs.hear(Channel("new"), "CHANNEL_UUID", {"Old-Unique-ID": "old"})
    assert legs.other(b) is a


def test_a_leg_destroyed_under_the_unique_id_of_one_just_gone_replaces_it() -> None:
    legs = Memory()
    gone = legs.hear(Channel("x"), "CHANNEL_CREATE")
    legs.destroy(gone, 1.0)
    leg = legs.hear(Channel("y"), "CHANNEL_CREATE")
    legs.hear(Channel("x"), "CHANNEL_UUID", {"Old-Unique-ID": "y"})
    legs.destroy(leg, 2.0)
    assert (gone.dropped, legs.find("x"), legs.lingering) == (True, leg, 1)


def test_what_came_before_the_creation_of_a_channel_is_its_own() -> None:
    legs = Memory()
    early = legs.get("a", 1.0)
    assert legs.hear(Channel("a"), "CHANNEL_CREATE", sip()) is early
    assert legs.hear(Channel("a"), "CHANNEL_CREATE", sip()) is not early


def test_the_leg_unseen_longest_is_evicted_and_counted() -> None:
    legs = Memory(max_legs=2)
    for now, name in enumerate(["a", "b", "a", "c"]):
        legs.hear(Channel(name), "CHANNEL_ANSWER", now=float(now))
    assert legs.has_old
    assert [leg.unique_id for leg in legs.drop_old(3.0)] == ["b"]
    assert (len(legs), legs.evicted, legs.expired, legs.has_old) == (2, 1, 0, False)


def test_a_leg_that_is_silent_for_a_day_expires_and_is_counted() -> None:
    legs = Memory()
    legs.hear(Channel("a"), "CHANNEL_CREATE", now=0.0)
    legs.hear(Channel("b"), "CHANNEL_CREATE", now=10.0)
    assert list(legs.drop_old(SILENCE - 1)) == []
    assert [leg.unique_id for leg in legs.drop_old(SILENCE)] == ["a"]
    assert (len(legs), legs.evicted, legs.expired) == (1, 0, 1)
    assert SILENCE == 24 * 3600


def test_legs_that_ended_just_now_keep_no_other_one() -> None:
    """One for which only CUSTOM events came, and one that is silent for a day."""
    legs = Memory()
    legs.hear(Channel("silent"), "CHANNEL_CREATE", now=1000.0)
    now = 1000.0 + SILENCE
    strange = Channel("strange")
    del strange.basic["Channel-Name"]
    legs.hear(strange, "CUSTOM", now=now - STRANGE)
    second = Channel("second")
    del second.basic["Channel-Name"]
    legs.hear(second, "CUSTOM", now=now - 1.0)
    legs.destroy(legs.hear(Channel("ended"), "CHANNEL_DESTROY", now=now), now)
    assert sorted(leg.unique_id for leg in legs.drop_old(now)) == ["silent", "strange"]
    assert legs.find("second") is not None


def test_every_leg_that_goes_early_is_counted() -> None:
    legs = Memory(max_legs=1)
    for number in range(4):
        legs.hear(Channel(str(number)), "CHANNEL_ANSWER", now=float(number))
        list(legs.drop_old(float(number)))
    assert (legs.evicted, legs.expired) == (3, 0)
    legs = Memory()
    for number in range(3):
        legs.hear(Channel(str(number)), "CHANNEL_ANSWER", now=float(number))
    assert len(list(legs.drop_old(SILENCE + 2.0))) == 3
    assert (legs.evicted, legs.expired) == (0, 3)


def test_what_lingers_is_bounded_too() -> None:
    legs = Memory(max_legs=3)
    for number in range(5):
        legs.destroy(legs.hear(Channel(str(number)), "CHANNEL_CREATE"), 0.0)
    assert legs.has_old
    assert list(legs.drop_old(0.0)) == []
    assert (legs.lingering, legs.find("0"), legs.has_old) == (3, None, False)


def test_nothing_is_found_for_no_unique_id() -> None:
    assert Memory().find(None) is None

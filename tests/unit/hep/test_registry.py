"""The numbers of REV 37 and the words for them."""

from __future__ import annotations

import pytest

from fs_hepipe.hep.registry import VENDORS, ChunkType, IpFamily, IpProtocol, ProtocolType, chunk_name, protocol_name


@pytest.mark.parametrize(
    "type_id, name",
    [
        (1, "ip_family"), (2, "ip_protocol"), (3, "ipv4_src_ip"), (4, "ipv4_dst_ip"), (5, "ipv6_src_ip"),
        (6, "ipv6_dst_ip"), (7, "src_port"), (8, "dst_port"), (9, "timestamp_seconds"), (10, "timestamp_micros"),
        (11, "protocol_type"), (12, "capture_id"), (13, "keep_alive_timer"), (14, "auth_key"), (15, "payload"),
        (16, "compressed_payload"), (17, "correlation_id"), (18, "vlan_id"), (19, "node_name"), (0x20, "mos"),
        (0x21, "r_factor"), (0x29, "group_id"), (0, "unknown"), (0x19, "unknown"), (0x2A, "unknown"),
    ],
)  # fmt: skip
def test_a_generic_chunk_has_its_name(type_id: int, name: str) -> None:
    assert chunk_name(0, type_id) == name


def test_a_vendors_chunk_has_no_name_of_ours() -> None:
    assert VENDORS[1] == "FreeSWITCH"
    assert chunk_name(1, ChunkType.PAYLOAD) == "unknown"


@pytest.mark.parametrize(
    "number, name",
    [
        (1, "sip"), (5, "rtcp_json"), (32, "qos_report"), (34, "mos_full_report"), (35, "mos_short_report"),
        (53, "dns_json"), (99, "json_report"), (100, "log"), (0, "unknown"), (36, "unknown"), (255, "unknown"),
    ],
)  # fmt: skip
def test_a_protocol_type_has_its_name(number: int, name: str) -> None:
    assert protocol_name(number) == name


def test_every_protocol_type_fits_its_octet_and_none_is_the_reserved_zero() -> None:
    assert all(0 < number < 256 for number in ProtocolType)


def test_families_and_protocols_are_the_numbers_that_everyone_sends() -> None:
    assert (IpFamily.IPV4, IpFamily.IPV6) == (2, 10)
    assert (IpProtocol.TCP, IpProtocol.UDP, IpProtocol.SCTP) == (6, 17, 132)

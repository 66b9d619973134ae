"""
The named numbers of HEP3: chunk types, protocol types, vendors, address families.

Source: HEP3 Network Protocol Specification, revision 37 ("REV 37"), unless a line says otherwise.
"""

from __future__ import annotations

from enum import IntEnum

MAGIC = b"HEP3"

MAX_LENGTH = 65_535
"""Octets of a whole message: its length is an unsigned 16-bit number (REV 37, header)."""

MAX_UDP_LENGTH = 65_507
"""Octets of the largest UDP datagram over IPv4; collectors read no more than this, also over TCP."""


class IpFamily(IntEnum):
    """Values of chunk 0x0001: those of Linux' AF_INET and AF_INET6, on every system."""

    IPV4 = 2
    IPV6 = 10


class IpProtocol(IntEnum):
    """Values of chunk 0x0002 that a SIP or media flow can have (IANA protocol numbers)."""

    TCP = 6
    UDP = 17
    SCTP = 132


class ChunkType(IntEnum):
    """Generic chunk types (vendor 0x0000)."""

    # fmt: off
    IP_FAMILY           = 0x0001
    IP_PROTOCOL         = 0x0002
    IPV4_SRC_IP         = 0x0003
    IPV4_DST_IP         = 0x0004
    IPV6_SRC_IP         = 0x0005
    IPV6_DST_IP         = 0x0006
    SRC_PORT            = 0x0007
    DST_PORT            = 0x0008
    TIMESTAMP_SECONDS   = 0x0009
    TIMESTAMP_MICROS    = 0x000A
    PROTOCOL_TYPE       = 0x000B
    CAPTURE_ID          = 0x000C
    KEEP_ALIVE_TIMER    = 0x000D
    AUTH_KEY            = 0x000E
    PAYLOAD             = 0x000F
    COMPRESSED_PAYLOAD  = 0x0010
    CORRELATION_ID      = 0x0011
    VLAN_ID             = 0x0012
    NODE_NAME           = 0x0013
    SRC_MAC             = 0x0014
    DST_MAC             = 0x0015
    ETHERNET_TYPE       = 0x0016
    TCP_FLAGS           = 0x0017
    IP_TOS              = 0x0018
    MOS                 = 0x0020
    R_FACTOR            = 0x0021
    GEO_LOCATION        = 0x0022
    JITTER              = 0x0023
    TRANSACTION_TYPE    = 0x0024
    PAYLOAD_JSON_KEYS   = 0x0025
    TAG_VALUES          = 0x0026
    TAG_TYPE            = 0x0027
    EVENT_TYPE          = 0x0028
    GROUP_ID            = 0x0029
    # fmt: on


class ProtocolType(IntEnum):
    """Values of chunk 0x000b. Those below the line are used by collectors but are not in REV 37."""

    # fmt: off
    SIP                 = 1
    XMPP                = 2
    SDP                 = 3
    RTP                 = 4
    RTCP_JSON           = 5
    MGCP                = 6
    MEGACO              = 7
    M2UA                = 8
    M3UA                = 9
    IAX                 = 10
    H3222               = 11
    H321                = 12
    M2PA                = 13
    MOS_FULL_REPORT     = 34    # "MOS full report JSON"
    MOS_SHORT_REPORT    = 35    # "MOS short report (with chunk 0x0020) JSON"
    SIP_JSON            = 50
    DNS_JSON            = 53
    M3UA_JSON           = 54
    RTSP                = 55
    DIAMETER_JSON       = 56
    GSM_MAP_JSON        = 57
    RTCP_PION           = 58
    CDR                 = 60
    VERTO_JSON          = 61
    # ------------------------------------------------------------------------------------------------
    QOS_REPORT          = 32    # Kamailio sipcapture, hep-js
    JSON_REPORT         = 99    # captagent's RTCP-XR, Kamailio sipcapture
    LOG                 = 100   # Kamailio hlog, OpenSIPS xlog, Homer's Logs tab
    # fmt: on


VENDORS = {
    0x0000: "generic",
    0x0001: "FreeSWITCH",
    0x0002: "Kamailio",
    0x0003: "OpenSIPS",
    0x0004: "Asterisk",
    0x0005: "Homer Project",
    0x0006: "sipXecs",
    0x0007: "Yeti Switch",
    0x0008: "Genesys",
}
"""Vendor ids of chunks (REV 37)."""


def chunk_name(vendor_id: int, type_id: int) -> str:
    """REV 37's name of a chunk in lower case, or `unknown`. Vendors have published no names of theirs."""
    if vendor_id == 0 and type_id in ChunkType.__members__.values():
        return ChunkType(type_id).name.lower()
    return "unknown"


def protocol_name(protocol_type: int) -> str:
    """The name of a protocol type in lower case, or `unknown`."""
    if protocol_type in ProtocolType.__members__.values():
        return ProtocolType(protocol_type).name.lower()
    return "unknown"

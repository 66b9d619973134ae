"""
One HEP3 message, typed: `encode` takes it and `decode` returns it.
"""

from __future__ import annotations

from typing import NamedTuple, Optional

from fs_hepipe.hep.registry import ChunkType, IpFamily, IpProtocol


class Chunk(NamedTuple):
    """A chunk as it is in the datagram, its body not interpreted."""

    vendor_id: int
    type_id: int
    data: bytes


class Message(NamedTuple):
    """
    The content of one HEP3 message. Within a flow (`encoder.Flow`) only the first two fields differ.
    """

    timestamp: int
    """Microseconds since 1970-01-01 UTC (chunks 0x0009 and 0x000a)."""
    payload: bytes
    """The captured packet, report or line (0x000f)."""
    protocol_type: int
    """What the payload is (0x000b), see `registry.ProtocolType`."""
    src_ip: str
    """Where it came from: IPv4 or IPv6 address as text (0x0003 or 0x0005)."""
    dst_ip: str
    """Where it went, of the same family (0x0004 or 0x0006)."""
    src_port: int = 0
    """0 if it is not known (0x0007)."""
    dst_port: int = 0
    """0 if it is not known (0x0008)."""
    ip_protocol: int = IpProtocol.UDP
    """IANA's number (0x0002)."""
    capture_id: int = 0
    """The agent's number at the collector (0x000c), 32 bits."""
    correlation_id: Optional[str] = None
    """What a collector stores it under: the SIP Call-ID (0x0011)."""
    node_name: Optional[str] = None
    """The agent's name (0x0013)."""
    auth_key: Optional[str] = None
    """The agent's password, in clear text (0x000e)."""
    mos: Optional[int] = None
    """Mean opinion score times 100, as other agents send it (0x0020; REV 37 gives no scale)."""
    other: tuple[Chunk, ...] = ()
    """Chunks of other vendors or types, in the order of the datagram."""

    @property
    def ip_family(self) -> int:
        """The family of the addresses (0x0001)."""
        return IpFamily.IPV6 if ":" in self.src_ip else IpFamily.IPV4


# Chunk -> field of `Message`. `chunks` and `decode` handle the address family and the time.
# fmt: off
FIELDS = {
    ChunkType.IP_PROTOCOL:    "ip_protocol",
    ChunkType.IPV4_SRC_IP:    "src_ip",
    ChunkType.IPV4_DST_IP:    "dst_ip",
    ChunkType.IPV6_SRC_IP:    "src_ip",
    ChunkType.IPV6_DST_IP:    "dst_ip",
    ChunkType.SRC_PORT:       "src_port",
    ChunkType.DST_PORT:       "dst_port",
    ChunkType.PROTOCOL_TYPE:  "protocol_type",
    ChunkType.CAPTURE_ID:     "capture_id",
    ChunkType.AUTH_KEY:       "auth_key",
    ChunkType.CORRELATION_ID: "correlation_id",
    ChunkType.NODE_NAME:      "node_name",
    ChunkType.MOS:            "mos",
    ChunkType.PAYLOAD:        "payload",
}
# fmt: on

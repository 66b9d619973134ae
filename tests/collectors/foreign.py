"""
A packet's fields -> HEP3 octets, written from the specification alone (REV 37), without the project's own encoder.

It tests the judges before they test that encoder. It can also be sabotaged: a judge that accepts a sabotaged datagram
proves nothing about that part of a correct one.
"""

from __future__ import annotations

import enum
import ipaddress
import struct
from dataclasses import dataclass
from typing import Optional


class Sabotage(enum.Enum):
    """What `build` does wrong, on purpose."""

    SECONDS_LITTLE_ENDIAN = "seconds little-endian"
    CHUNK_LENGTH_WITHOUT_HEADER = "chunk lengths without their 6-octet header"
    TOTAL_LENGTH_WITHOUT_HEADER = "total length without its 6-octet header"
    CORRELATION_ID_IN_CHUNK_16 = "correlation id in chunk 16 instead of 17"
    CAPTURE_ID_TWO_OCTETS = "capture id 2 octets wide instead of 4"


@dataclass(frozen=True)
class Packet:
    """The fields of one datagram, under the names the project's own message has."""

    protocol_type: int = 100
    payload: bytes = b"2026-01-01 12:00:00.000000 call up"
    correlation_id: Optional[str] = "call-1@fs.example.invalid"
    src_ip: str = "192.0.2.10"
    dst_ip: str = "198.51.100.20"
    src_port: int = 16385
    dst_port: int = 30001
    timestamp: int = 1_795_400_878_645_275
    """Microseconds since 1970."""
    ip_protocol: int = 17
    capture_id: int = 2001
    node_name: Optional[str] = "ci-node"
    auth_key: Optional[str] = "s3cret"
    mos: Optional[int] = None

    @property
    def ip_family(self) -> int:
        return 2 if ipaddress.ip_address(self.src_ip).version == 4 else 10


def build(packet: Packet, sabotage: Optional[Sabotage] = None) -> bytes:
    """The datagram of a packet; every chunk is of vendor 0 and the payload comes last."""
    seconds, microseconds = divmod(packet.timestamp, 1_000_000)
    addresses = (3, 4) if packet.ip_family == 2 else (5, 6)
    seconds_format = "<I" if sabotage is Sabotage.SECONDS_LITTLE_ENDIAN else ">I"
    correlation_chunk = 16 if sabotage is Sabotage.CORRELATION_ID_IN_CHUNK_16 else 17
    capture_id = struct.pack(">I", packet.capture_id)
    if sabotage is Sabotage.CAPTURE_ID_TWO_OCTETS:
        capture_id = capture_id[2:]

    chunks = [
        (1, struct.pack(">B", packet.ip_family)),
        (2, struct.pack(">B", packet.ip_protocol)),
        (addresses[0], ipaddress.ip_address(packet.src_ip).packed),
        (addresses[1], ipaddress.ip_address(packet.dst_ip).packed),
        (7, struct.pack(">H", packet.src_port)),
        (8, struct.pack(">H", packet.dst_port)),
        (9, struct.pack(seconds_format, seconds)),
        (10, struct.pack(">I", microseconds)),
        (11, struct.pack(">B", packet.protocol_type)),
        (12, capture_id),
    ]
    if packet.auth_key is not None:
        chunks.append((14, packet.auth_key.encode()))
    if packet.correlation_id is not None:
        chunks.append((correlation_chunk, packet.correlation_id.encode()))
    if packet.node_name is not None:
        chunks.append((19, packet.node_name.encode()))
    if packet.mos is not None:
        chunks.append((32, struct.pack(">H", packet.mos)))
    chunks.append((15, packet.payload))

    chunk_header = 0 if sabotage is Sabotage.CHUNK_LENGTH_WITHOUT_HEADER else 6
    body = b"".join(struct.pack(">HHH", 0, kind, chunk_header + len(data)) + data for kind, data in chunks)
    total_header = 0 if sabotage is Sabotage.TOTAL_LENGTH_WITHOUT_HEADER else 6
    return b"HEP3" + struct.pack(">H", total_header + len(body)) + body

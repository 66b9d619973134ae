"""Messages as hypothesis makes them, and the specification's own."""

from __future__ import annotations

import socket

from hypothesis import strategies as st

from fs_hepipe.hep import Chunk, Message, ProtocolType
from fs_hepipe.hep.message import FIELDS

SPEC_OCTETS = bytes.fromhex(
    "48455033 0071"  # "HEP3", 113 octets
    "0000 0001 0007 02"  # IPv4
    "0000 0002 0007 11"  # UDP
    "0000 0003 000a d4ca0001"  # from 212.202.0.1
    "0000 0004 000a 527400d3"  # to 82.116.0.211
    "0000 0007 0008 2eea"  # from port 12010
    "0000 0008 0008 13c4"  # to port 5060
    "0000 0009 000a 4e4982cb"  # 1313440459 s
    "0000 000a 000a 0001d4c0"  # 120000 µs
    "0000 000b 0007 01"  # SIP
    "0000 000c 000a 000000e4"  # capture agent 228
    "0000 000f 0014 494e56495445207369703a626f62"  # "INVITE sip:bob"
)
"""The example of the specification (REV 37)."""

SPEC_MESSAGE = Message(
    timestamp=1_313_440_459_120_000,
    payload=b"INVITE sip:bob",
    protocol_type=ProtocolType.SIP,
    src_ip="212.202.0.1",
    dst_ip="82.116.0.211",
    src_port=12010,
    dst_port=5060,
    capture_id=228,
)

FULL = SPEC_MESSAGE._replace(
    auth_key="s3cret", correlation_id="52176daf-618b-1240@example.invalid", node_name="fs1", mos=438
)
"""With every optional chunk."""

KNOWN = {int(chunk_type) for chunk_type in FIELDS} | {1, 9, 10}
"""Generic chunk types that have a field of their own, address family and time included."""

foreign_text = st.binary(max_size=40).map(lambda octets: octets.decode("utf-8", "surrogateescape"))
"""Text as it comes from outside: UTF-8 and whatever else was on the wire."""

unsigned = {bits: st.integers(0, 2**bits - 1) for bits in (8, 16, 32)}

chunks_without_field = st.builds(
    Chunk, st.sampled_from([0, 1, 2, 0xFFFF]), unsigned[16], st.binary(max_size=20)
).filter(lambda chunk: chunk.vendor_id != 0 or chunk.type_id not in KNOWN)


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """Any message that HEP3 can carry."""
    if draw(st.booleans()):
        addresses = st.ip_addresses(v=6).map(lambda address: socket.inet_ntop(socket.AF_INET6, address.packed))
    else:
        addresses = st.ip_addresses(v=4).map(str)
    return Message(
        timestamp=draw(unsigned[32]) * 1_000_000 + draw(st.integers(0, 999_999)),
        payload=draw(st.binary(max_size=100)),
        protocol_type=draw(unsigned[8]),
        src_ip=draw(addresses),
        dst_ip=draw(addresses),
        src_port=draw(unsigned[16]),
        dst_port=draw(unsigned[16]),
        ip_protocol=draw(unsigned[8]),
        capture_id=draw(unsigned[32]),
        correlation_id=draw(st.none() | foreign_text),
        node_name=draw(st.none() | foreign_text),
        auth_key=draw(st.none() | foreign_text),
        mos=draw(st.none() | unsigned[16]),
        other=tuple(draw(st.lists(chunks_without_field, max_size=3))),
    )

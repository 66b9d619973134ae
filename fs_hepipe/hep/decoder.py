"""
Octets -> Message, for our own tools and tests, by one schema and in two ways:

1. `parse` and `decode` are strict: our own datagrams are held to them. A HepError names the offset of what is wrong.
2. `chunks` and `read` take what a collector takes, HEP1 and HEP2 too, and remark on what is unusual about it.

`Framing` finds the datagrams in a stream.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple, Optional

from fs_hepipe.hep.bodies import MISFITS, READERS, read_number
from fs_hepipe.hep.message import FIELDS, Chunk, Message
from fs_hepipe.hep.registry import MAGIC, VENDORS, ChunkType, IpFamily, ProtocolType
from fs_hepipe.hep.schema import (
    CHUNK_HEADER_LENGTH,
    HEADER_FIELD,
    HEADER_LENGTH,
    HEP2_TIMES,
    HEP12,
    IPV6_FAMILIES,
)
from fs_hepipe.words.errors import HepError
from fs_hepipe.words.numbers import MICROS

MAX_REMARKS = 8
"""Remarks on one datagram; 65,535 octets hold ten thousand chunks that are there twice."""

MAX_QUOTED = 80
"""Characters of a value in a remark."""

HEP12_LENGTHS = {IpFamily.IPV4: 16, **dict.fromkeys(IPV6_FAMILIES, 40)}
"""Octets of the header of HEP1, by address family."""

HEP2_TIME_LENGTH = HEP2_TIMES[0].sizeof()


class Parsed(NamedTuple):
    """One chunk of a datagram: offset, type, value."""

    offset: int
    vendor_id: int
    type_id: int
    length: int
    value: Any
    """An integer, text or an address where `schema.BODIES` has the chunk, else octets."""
    data: bytes
    """The octets of the body."""
    fault: str = ""
    """Why the value is octets though `schema.BODIES` has the chunk."""


class Reading(NamedTuple):
    """What a collector would take out of a datagram."""

    version: int
    """1, 2 or 3."""
    message: Message
    """A time, an address or a number that is missing is 0 or empty; what is there twice is the last one."""
    remarks: tuple[str, ...]
    """What is unusual about it, one text each."""


def parse(datagram: bytes) -> Iterator[Parsed]:
    """
    The chunks of a datagram, one by one.

    Raises:
        HepError: at the first octet that is not HEP3; the text names its offset.
    """
    length = _length(datagram)
    if length != len(datagram):
        raise _wrong_length(length, datagram)
    for chunk in walk(datagram):
        if chunk.fault:
            raise HepError(f"offset {chunk.offset}: {chunk.fault}")
        yield chunk


def chunks(datagram: bytes) -> tuple[list[Parsed], list[str]]:
    """
    The chunks of a datagram whose length or widths may be wrong, and remarks on that.

    Raises:
        HepError: no chunks fill it; the text names the offset.
    """
    length, octets = _length(datagram), len(datagram)
    if length == octets:
        return list(walk(datagram)), []
    says = f"offset {len(MAGIC)}: the length says {length} octets, there are {octets}"
    for end in (length, octets):
        if HEADER_LENGTH < end <= octets:
            try:
                return list(walk(datagram[:end])), [f"{says}: heplify-server refuses it"]
            except HepError:
                pass
    raise _wrong_length(length, datagram)


def _length(datagram: bytes) -> int:
    """What the header says."""
    if datagram[: len(MAGIC)] != MAGIC:
        raise _no_hep(datagram)
    if len(datagram) < HEADER_LENGTH:
        raise HepError(f"offset {len(MAGIC)}: ends before the length")
    return int(read_number(datagram[len(MAGIC) : HEADER_LENGTH]))


def _no_hep(octets: bytes, offset: int = 0) -> HepError:
    return HepError(f"offset {offset}: starts with {bytes(octets[:4])!r}, not with {MAGIC!r}")


def _wrong_length(length: int, datagram: bytes) -> HepError:
    return HepError(f"offset {len(MAGIC)}: the length says {length} octets, there are {len(datagram)}")


def walk(datagram: bytes) -> Iterator[Parsed]:
    """
    The chunks behind the header, one by one, of any width, up to the end of the datagram.

    Raises:
        HepError: at the first one that does not end before it.
    """
    offset = HEADER_LENGTH
    while offset < len(datagram):
        rest = len(datagram) - offset
        if rest < CHUNK_HEADER_LENGTH:
            raise HepError(f"offset {offset}: {rest} octets are left, a chunk's header has {CHUNK_HEADER_LENGTH}")
        vendor_id, type_id, length = _chunk_header(datagram, offset)
        if length < CHUNK_HEADER_LENGTH:
            says = f"{_name(vendor_id, type_id)} gives its length as {length}"
            raise HepError(f"offset {offset}: {says}, its header alone has {CHUNK_HEADER_LENGTH}")
        if length > rest:
            says = f"{_name(vendor_id, type_id)} gives its length as {length}"
            raise HepError(f"offset {offset}: {says}, {rest} octets are left")
        data = datagram[offset + CHUNK_HEADER_LENGTH : offset + length]
        value, fault = data, ""
        read_body = READERS.get(type_id) if vendor_id == 0 else None
        if read_body is not None:
            try:
                value = read_body(data)
            except MISFITS:
                fault = f"{_name(vendor_id, type_id)} has a body of {len(data)} octets, which is not its width"
        yield Parsed(offset, vendor_id, type_id, length, value, data, fault)
        offset += length


_chunk_header = struct.Struct(">" + 3 * HEADER_FIELD.fmtstr[1:]).unpack_from


def _name(vendor_id: int, type_id: int) -> str:
    return f"chunk 0x{vendor_id:04x}/0x{type_id:04x}"


def decode(datagram: bytes) -> Message:
    """
    The message in a datagram. A missing payload chunk (some senders compress it into 0x0010) is an empty payload;
    chunks without a field in `Message` are kept in `other`, as octets.

    Raises:
        HepError: it is not HEP3, has a chunk twice, or lacks addresses, time or protocol type.
    """
    fields: dict[str, Any] = {}
    other: list[Chunk] = []
    for chunk in parse(datagram):
        name = _FIELDS.get(chunk.type_id) if chunk.vendor_id == 0 else None
        if name is None:
            other.append(Chunk(chunk.vendor_id, chunk.type_id, chunk.data))
        elif name in fields:
            raise HepError(f"offset {chunk.offset}: {name} is there twice")
        else:
            fields[name] = chunk.value
    missing = [name for name in _NEEDED if name not in fields]
    if missing:
        raise HepError(f"offset {len(datagram)}: ends without {', '.join(missing)}")
    if (":" in fields["src_ip"]) != (":" in fields["dst_ip"]):
        raise HepError(f"addresses of two families: {fields['src_ip']}, {fields['dst_ip']}")
    return _message(fields, other)


def _message(fields: dict[str, Any], other: list[Chunk]) -> Message:
    fields.pop("ip_family", None)  # taken from the addresses: not every sender sets it correctly
    timestamp = fields.pop("seconds") * MICROS + fields.pop("micros")
    return Message(timestamp, fields.pop("payload", b""), other=tuple(other), **fields)


def read(datagram: bytes) -> Reading:
    """
    What collectors take out of a datagram: where they differ, what heplify-server takes (decoder/hep.go).

    Raises:
        HepError: it is no HEP of any version, or is cut.
    """
    if datagram[:1] in _OLD_VERSIONS:
        return _read_old(datagram)
    found, remarks = chunks(datagram)
    if not found:
        raise HepError(f"offset {HEADER_LENGTH}: ends without a chunk")
    fields: dict[str, Any] = {}
    other: list[Chunk] = []
    for chunk in found:
        name = _FIELDS.get(chunk.type_id)
        if chunk.fault:
            remarks.append(f"offset {chunk.offset}: {chunk.fault}: heplify-server refuses it")
        if name is not None and chunk.vendor_id:
            vendor = VENDORS.get(chunk.vendor_id, "an unknown vendor")
            remarks.append(
                f"offset {chunk.offset}: {_name(chunk.vendor_id, chunk.type_id)} is of {vendor}, "
                f"heplify-server takes it for the {name}"
            )
        if name is None or chunk.vendor_id or chunk.fault:
            other.append(Chunk(chunk.vendor_id, chunk.type_id, chunk.data))
            continue
        if name in fields:
            before = f"{fields[name]!r:.{MAX_QUOTED}}"
            remarks.append(f"offset {chunk.offset}: {name} is there twice, the first one was {before}")
        fields[name] = chunk.value
    remarks += _doubts(fields)
    return Reading(3, _message({**_UNKNOWN, **fields}, other), _few(remarks))


def _doubts(fields: dict[str, Any]) -> Iterator[str]:
    """Remarks on what is missing and what does not fit together."""
    missing = [name for name in (*_NEEDED, "src_port", "dst_port") if name not in fields]
    if missing:
        yield f"there is no {', '.join(missing)}"
    if fields.get("micros", 0) >= MICROS:
        yield f"{fields['micros']} microseconds are a second or more"
    families = {name: IpFamily.IPV6 if ":" in fields[name] else IpFamily.IPV4
                for name in ("src_ip", "dst_ip") if name in fields}  # fmt: skip
    if len(set(families.values())) > 1:
        yield f"the addresses are of two families: {fields['src_ip']}, {fields['dst_ip']}"
    elif families and fields.get("ip_family") not in (None, *families.values()):
        yield f"the ip_family is {fields['ip_family']}, which is not that of the addresses"


def _few(remarks: list[str]) -> tuple[str, ...]:
    more = len(remarks) - MAX_REMARKS
    return (*remarks[:MAX_REMARKS], f"and {more} more remarks") if more > 0 else tuple(remarks)


def _read_old(datagram: bytes) -> Reading:
    """
    HEP1 or HEP2: a fixed header and SIP.

    Raises:
        HepError: it is neither, or ends in its addresses.
    """
    version = datagram[0]
    length = HEP12_LENGTHS.get(datagram[2]) if len(datagram) > 2 else None  # noqa: PLR2004  the offset of the family
    if length is None:
        raise _no_hep(datagram)
    if len(datagram) < length:
        raise HepError(f"offset {len(datagram)}: HEP{version} ends in its header")
    header = HEP12.parse(datagram)
    remarks = [f"HEP{version}: heplify-server reads it only if HEPv2Enable is set"]
    time = _old_time(datagram[length : length + HEP2_TIME_LENGTH]) if version == 2 else None  # noqa: PLR2004
    if version == 2:  # noqa: PLR2004
        length += HEP2_TIME_LENGTH
        if time is None:
            remarks.append("it ends before its time")
    if not length <= header.length <= len(datagram):
        remarks.append(f"its header gives its length as {header.length}, which can't be")
    else:
        length = header.length
    src_ip, dst_ip = header.addresses
    message = Message(
        timestamp=time.seconds * MICROS + time.micros if time else 0,
        payload=datagram[length:],
        protocol_type=ProtocolType.SIP,
        src_ip=src_ip,
        dst_ip=dst_ip,
        src_port=header.src_port,
        dst_port=header.dst_port,
        ip_protocol=header.ip_protocol,
        capture_id=time.capture_id if time else 0,
    )
    return Reading(version, message, tuple(remarks))


def _old_time(octets: bytes) -> Optional[Any]:
    """The time in HEP2: in the byte order in which the microseconds are less than a second, which few are in both."""
    if len(octets) < HEP2_TIME_LENGTH:
        return None
    times = [time.parse(octets) for time in HEP2_TIMES]
    return next((time for time in times if time.micros < MICROS), times[0])


class Framing:
    """The datagrams in a stream of HEP3, as TCP carries it, wherever the stream is cut."""

    def __init__(self) -> None:
        self.offset = 0
        """Octets of the stream before `rest`."""
        self._rest = bytearray()

    @property
    def rest(self) -> bytes:
        """What has come of a datagram that is not complete."""
        return bytes(self._rest)

    def feed(self, octets: bytes) -> Iterator[bytes]:
        """
        The datagrams that are complete now.

        Raises:
            HepError: behind the last one no HEP3 begins; there is no way to go on.
        """
        self._rest += octets
        while self._rest:
            if not MAGIC.startswith(self._rest[: len(MAGIC)]):
                raise _no_hep(self.rest[: len(MAGIC)], self.offset)
            if len(self._rest) < HEADER_LENGTH:
                return
            length = read_number(bytes(self._rest[len(MAGIC) : HEADER_LENGTH]))
            if length < HEADER_LENGTH:
                raise HepError(f"offset {self.offset + len(MAGIC)}: the length says {length} octets")
            if len(self._rest) < length:
                return
            datagram = bytes(self._rest[:length])
            del self._rest[:length]
            self.offset += length
            yield datagram


_FIELDS: dict[int, str] = {
    **{int(chunk_type): name for chunk_type, name in FIELDS.items()},
    ChunkType.IP_FAMILY: "ip_family",
    ChunkType.TIMESTAMP_SECONDS: "seconds",
    ChunkType.TIMESTAMP_MICROS: "micros",
}
_NEEDED = ("src_ip", "dst_ip", "seconds", "micros", "protocol_type")
_UNKNOWN = {"src_ip": "", "dst_ip": "", "seconds": 0, "micros": 0, "protocol_type": 0}
_OLD_VERSIONS = (b"\1", b"\2")

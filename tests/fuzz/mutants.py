"""
Datagrams that are nearly right, from a number: real ones of several senders with edits at random.

hypothesis makes what is far from right, and shrinks it; of these, a thousand take as long as ten of its own.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from random import Random

from fs_hepipe.hep import encode
from fs_hepipe.hep.encoder import pack_data
from tests.unit.messages import FULL, SPEC_OCTETS
from tests.unit.tools.hostile import CHARACTERS, SEQUENCES

DATA = Path(__file__).resolve().parents[1] / "data"

V6 = FULL._replace(src_ip="2001:db8::1", dst_ip="2001:db8::2", protocol_type=34, payload=b'{"MOS":4.1,"TOTAL_PK":9}')
OLD = [
    struct.pack(">BBBBHH", version, 8 + len(addresses) + 12 * (version - 1), family, 17, 5060, 5061)
    + addresses
    + struct.pack("<IIHxx", 1_795_402_159, 124_125, 7) * (version - 1)
    + b"INVITE sip:bob SIP/2.0\r\n"
    for version in (1, 2)
    for family, addresses in ((2, b"\xc0\0\2\1" * 2), (10, socket.inet_pton(socket.AF_INET6, "2001:db8::1") * 2))
]
WHOLE = [
    SPEC_OCTETS,
    encode(FULL),
    encode(V6),
    *OLD,
    *(bytes.fromhex(path.read_text()) for path in sorted(DATA.glob("*/*.hex"))),
]
"""Ours, the specification's, hep-js', Kamailio's, rtpengine's, HEP1 and HEP2."""

ALPHABET = [*CHARACTERS, *SEQUENCES, "a", "é"]
TYPES = [*range(0x2C), 0x80, 0xFFFF]
WIDTHS = (0, 1, 2, 3, 4, 5, 8, 15, 16, 17, 40)
KEYS = [
    "type", "ssrc", "sender_information", "packets", "octets", "report_blocks", "packets_lost",
    "cumulative_lost", "fraction_lost", "ia_jitter", "rtt_avg_ms", "DIR",
    "TOTAL_PK", "EXPECTED_PK", "PACKET_LOSS", "JITTER", "RTT", "RFACTOR", "MOS",
]  # fmt: skip
NUMBERS = [
    "0", "-1", "7", "200", "201", "1e400", "-1e400", "NaN", "Infinity", "1e-300", "9" * 400, "9" * 5000, "-" + "9" * 30,
    "9007199254740993", "4.18", "true", "null", "1" + "0" * 308 + ".0",
]  # fmt: skip


def mutants(number: int, count: int) -> Iterator[bytes]:
    """So many datagrams from a number."""
    random = Random(number)
    for _ in range(count):
        datagram = random.choice(WHOLE)
        for _ in range(random.choice((0, 1, 1, 1, 2, 3, 6))):
            datagram = random.choice(EDITS)(random, datagram)[:65_535]
        if random.random() < 0.7 and datagram[:4] == b"HEP3":
            datagram = datagram[:4] + len(datagram).to_bytes(2, "big") + datagram[6:]
        yield datagram


def _octets(random: Random, datagram: bytes) -> bytes:
    found = bytearray(datagram or b"\0")
    for _ in range(random.randint(1, 4)):
        found[random.randrange(len(found))] = random.choice((0, 1, 6, 0x1B, 0x7F, 0x9B, 0xFF, random.randrange(256)))
    return bytes(found)


def _cut(random: Random, datagram: bytes) -> bytes:
    return datagram[: random.randrange(len(datagram) + 1)]


def _splice(random: Random, datagram: bytes) -> bytes:
    other = random.choice(WHOLE)
    return datagram[: random.randrange(len(datagram) + 1)] + other[random.randrange(len(other)) :]


def _chunk(random: Random, datagram: bytes) -> bytes:
    data = random.choice((random.randbytes(random.choice(WIDTHS)), _text(random)))
    chunk = pack_data(random.choice((0, 0, 0, 1, 2, 99)), random.choice(TYPES), data)
    at = random.choice((6, len(datagram)))
    return datagram[:at] + chunk + datagram[at:]


def _payload(random: Random, datagram: bytes) -> bytes:
    kind = pack_data(0, 11, bytes([random.choice((1, 5, 5, 32, 34, 34, 35, 99, 100))]))
    return datagram + kind + pack_data(0, 15, _report(random)[:50_000])


def _text(random: Random) -> bytes:
    """Characters that do something to a terminal, and octets that are no UTF-8."""
    return "".join(random.choices(ALPHABET, k=random.randint(0, 12))).encode("utf-8", "surrogatepass")


def _report(random: Random) -> bytes:
    """JSON as reports have it, or nearly; or nested as nobody has it."""
    if random.random() < 0.03:
        return random.choice((b"[", b'{"a":', b'{"report_blocks":[')) * random.choice((100, 990, 1_010, 8_000))
    return _json(random, 0).encode()


def _json(random: Random, depth: int) -> str:
    """The text of an object: keys of reports with numbers, texts and objects."""
    pairs = []
    for key in random.sample(KEYS, random.randint(1, 6)):
        kind = random.random()
        if kind < 0.6 or depth > 3:
            value = random.choice(NUMBERS) if random.random() < 0.3 else str(random.randint(0, 300))
        elif kind < 0.7:
            value = json.dumps(_text(random).decode("utf-8", "replace"))
        elif kind < 0.85:
            value = f"[{','.join(_json(random, depth + 1) for _ in range(random.randint(0, 3)))}]"
        else:
            value = _json(random, depth + 1)
        pairs.append(f'"{key}":{value}')
    return "{" + ",".join(pairs) + "}"


EDITS = (_octets, _octets, _cut, _splice, _chunk, _chunk, _payload, _payload)

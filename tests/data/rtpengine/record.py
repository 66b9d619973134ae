"""
reports.json -> one HEP datagram of rtpengine for each of its reports, as <name>.hex beside it. README.md says more.

It starts rtpengine in the foreground, sets up a call over its ng protocol, and sends it RTP, then the report as RTCP.
"""

from __future__ import annotations

import itertools
import json
import socket
import struct
import subprocess
import time
from pathlib import Path
from typing import Any, Union

HERE = Path(__file__).parent
PORTS = {"ng": 2223, "homer": 9060}
MEDIA_PORTS = {"a": 12000, "b": 12002}
NOBODY = subprocess.DEVNULL
READY_S = 10.0
# fmt: off
RTPENGINE = [
    "rtpengine", "--foreground", "--table=-1", "--interface=v4/127.0.0.1", "--interface=v6/::1",
    f"--listen-ng=127.0.0.1:{PORTS['ng']}", "--port-min=11000", "--port-max=11999",
    f"--homer=127.0.0.1:{PORTS['homer']}", "--homer-protocol=udp", "--homer-id=2001",
]
# fmt: on

Word = Union[str, list[str]]


def bencoded(value: Union[Word, dict[str, Word]]) -> bytes:
    if isinstance(value, str):
        octets = value.encode()
        return b"%d:%s" % (len(octets), octets)
    if isinstance(value, list):
        return b"l" + b"".join(map(bencoded, value)) + b"e"
    return b"d" + b"".join(bencoded(key) + bencoded(item) for key, item in sorted(value.items())) + b"e"


def bound(host: str, port: int = 0) -> socket.socket:
    opened = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    opened.settimeout(1)
    opened.bind((host, port))
    return opened


class Control:
    """rtpengine's ng protocol: a cookie and a bencoded dictionary, there and back."""

    def __init__(self) -> None:
        self._socket = bound("127.0.0.1")
        self._cookies = itertools.count(1)

    def ask(self, **words: Word) -> bytes:
        request = bencoded({key.replace("_", "-"): word for key, word in words.items()})
        self._socket.sendto(b"%d " % next(self._cookies) + request, ("127.0.0.1", PORTS["ng"]))
        return self._socket.recv(65_536)

    def wait(self) -> None:
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            try:
                self.ask(command="ping")
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise SystemExit("rtpengine does not answer")


def sdp(host: str, port: int) -> str:
    address = f"IN {'IP6' if ':' in host else 'IP4'} {host}"
    lines = ("v=0", f"o=- 1 1 {address}", "s=-", f"c={address}", "t=0 0", f"m=audio {port} RTP/AVP 0", "")
    return "\r\n".join(lines)


def audio_port(reply: bytes) -> int:
    return int(reply.partition(b"m=audio ")[2].partition(b" ")[0])


def rtcp(report: dict[str, Any]) -> bytes:
    """A sender or receiver report, and the source description that has to follow it (RFC 3550 §6.1)."""
    body = struct.pack(">I", report["sender"])
    if "ntp" in report:
        body += struct.pack(">5I", *report["ntp"], report["rtp_timestamp"], report["packets"], report["octets"])
    for block in report["blocks"]:
        lost = block["lost"].to_bytes(3, "big", signed=True)
        body += struct.pack(">IB3s", block["source"], block["fraction"], lost)
        body += struct.pack(">4I", block["highest"], block["jitter"], block["lsr"], block["dlsr"])
    packet_type = 200 if "ntp" in report else 201
    packet = struct.pack(">BBH", 0x80 | len(report["blocks"]), packet_type, len(body) // 4) + body
    item = b"\x01\x09test@host\0"  # CNAME, and the end
    return packet + struct.pack(">BBHI", 0x81, 202, 1 + len(item) // 4, report["sender"]) + item


def datagram(name: str, report: dict[str, Any], control: Control, homer: socket.socket) -> bytes:
    host, interface = ("::1", "v6") if name.startswith("ipv6") else ("127.0.0.1", "v4")
    about: dict[str, Word] = {"call_id": f"{name}@fs.example.invalid", "from_tag": "a"}
    interfaces = [interface, interface]
    control.ask(command="offer", sdp=sdp(host, MEDIA_PORTS["a"]), direction=interfaces, **about)
    answer = control.ask(command="answer", to_tag="b", sdp=sdp(host, MEDIA_PORTS["b"]), **about)
    port = audio_port(answer)
    with bound(host, MEDIA_PORTS["a"]) as media, bound(host, MEDIA_PORTS["a"] + 1) as reports:
        for number in range(5):
            header = struct.pack(">BBHII", 0x80, 0, number, 160 * number, report["sender"])
            media.sendto(header + bytes(160), (host, port))
        reports.sendto(rtcp(report), (host, port + 1))
        found = homer.recv(65_536)
    control.ask(command="delete", **about)
    return found


def main() -> None:
    reports = json.loads((HERE / "reports.json").read_text())
    with bound("127.0.0.1", PORTS["homer"]) as homer:
        rtpengine = subprocess.Popen(RTPENGINE, stderr=NOBODY)
        try:
            control = Control()
            control.wait()
            for name, report in reports.items():
                octets = datagram(name, report, control, homer)
                (HERE / f"{name}.hex").write_text(octets.hex("\n", 32) + "\n")
                print(name, octets)
        finally:
            rtpengine.terminate()
            rtpengine.wait()


if __name__ == "__main__":
    main()

"""Kamailio's siptrace mirrors and logs an OPTIONS over IPv4 and IPv6, to kamailio_<what>.hex beside this file."""

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
OPTIONS = """\
OPTIONS sip:agent@example.invalid SIP/2.0
Via: SIP/2.0/UDP {via};branch=z9hG4bK1
From: <sip:1001@example.invalid>;tag=1
To: <sip:agent@example.invalid>
Call-ID: 52176daf-618b-1240-d1b8-96a756392f48
CSeq: 1 OPTIONS
Max-Forwards: 70
Content-Length: 0

""".replace("\n", "\r\n")


def free_port(family: int, host: str) -> int:
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def record(version: int, family: int, host: str, listed: str) -> None:
    port = free_port(family, host)
    with socket.socket(family, socket.SOCK_DGRAM) as collector, tempfile.TemporaryDirectory() as work:
        collector.bind((host, 0))
        collector.settimeout(5)
        kamailio = subprocess.Popen([
            shutil.which("kamailio", path="/usr/sbin:/usr/bin") or "kamailio", "-f", str(HERE / "kamailio.cfg"),
            "-DD", "-E", "-m", "64", "-M", "8", "-Y", work, "-P", f"{work}/pid", "-l", f"udp:{listed}:{port}",
            "-A", f'COLLECTOR="sip:{listed}:{collector.getsockname()[1]}"',
        ])  # fmt: skip
        try:
            time.sleep(1)
            with socket.socket(family, socket.SOCK_DGRAM) as phone:
                phone.bind((host, 0))
                via = f"{listed}:{phone.getsockname()[1]}"
                phone.sendto(OPTIONS.format(via=via).encode(), (host, port))
                for what in ("log", "sip"):
                    digits = collector.recv(65_535).hex()
                    lines = (digits[at : at + 80] for at in range(0, len(digits), 80))
                    (HERE / f"kamailio_{what}_ipv{version}.hex").write_text("\n".join([*lines, ""]))
        finally:
            kamailio.terminate()
            kamailio.wait()


record(4, socket.AF_INET, "127.0.0.1", "127.0.0.1")
record(6, socket.AF_INET6, "::1", "[::1]")

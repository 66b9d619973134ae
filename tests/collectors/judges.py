"""
Datagrams -> what four independently written HEP consumers store of them.

Rules:
1. `objections` and `expected` are how a test asks; a field that a judge cannot know is left out of both sides.
2. A judge reports what its program has stored, never what it should have stored.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import sqlite3
import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar, Optional

from .capture_file import frames
from .judge import Judge
from .seen import MessageLike, Seen, address, whole

HERE = Path(__file__).parent
NODE_MODULES = Path(os.environ.get("COLLECTORS_BUILD", HERE / "hepjs")).absolute() / "node_modules"


def expected(message: MessageLike, judge: Judge) -> Optional[Seen]:
    """What a judge stores of a message that reached it unchanged; None if it keeps no such message."""
    return judge.view(whole(message))


def objections(messages: Iterable[MessageLike], judge: Judge) -> list[str]:
    """The differences between these messages and what the judge received, one line each; [] if there are none."""
    judge.settle()
    due = Counter(seen for message in messages if (seen := expected(message, judge)) is not None)
    held = Counter(judge.received())
    spare = list((held - due).elements())
    lines = []
    for missing in (due - held).elements():
        if spare:
            nearest = min(spare, key=lambda seen: len(seen.differences(missing)))
            spare.remove(nearest)
            lines.append(f"{judge} saw {'; '.join(nearest.differences(missing))} in {missing}")
        else:
            lines.append(f"{judge} never saw {missing}")
    return lines + [f"{judge} saw what nobody sent: {seen}" for seen in spare]


def _program(name: str) -> Optional[str]:
    return shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin")))


class _Kamailio(Judge):
    """Kamailio with sipcapture and SQLite; the one kind that also listens on `host="::1"`."""

    name: ClassVar[str]
    """Of its configuration and schema."""

    @classmethod
    def missing(cls) -> Optional[str]:
        if _program("kamailio") is None:
            return f"{cls.__name__} needs the Debian package kamailio"
        if not any(Path("/usr/lib").glob("*/kamailio/modules/db_sqlite.so")):
            return f"{cls.__name__} needs the Debian package kamailio-sqlite-modules"
        return None

    @property
    def _database(self) -> Path:
        return self.directory / "store.db"

    def _command(self) -> list[str]:
        if not self._database.exists():
            with contextlib.closing(sqlite3.connect(self._database)) as database:
                database.executescript((HERE / f"{self.name}.sql").read_text())
        host, port = self.address
        definitions = {
            "DBURL": f"sqlite:///{self._database}",
            "DBCON": f"db=>sqlite:///{self._database}",
            "HEPKEY": self.auth_key or "",
        }
        return [
            *(_program("kamailio") or "kamailio", "-f", str(HERE / f"{self.name}.cfg")),
            *("-DD", "-E", "-m", "64", "-M", "32", "-b", str(8 << 20), "-Y", str(self.directory)),
            *("-l", f"udp:[{host}]:{port}" if ":" in host else f"udp:{host}:{port}"),
            *(word for name, value in definitions.items() for word in ("-A", f'{name}="{value}"')),
        ]

    def _rows(self, table: str, columns: str = "*") -> Iterator[sqlite3.Row]:
        with contextlib.closing(sqlite3.connect(self._database)) as database:
            database.row_factory = sqlite3.Row
            query = f"select {columns} from {table} where id > ? order by id"
            for row in database.execute(query, (self._read_to[table],)):
                self._read_to[table] = row["id"]
                yield row


class KamailioStore(_Kamailio):
    """Kamailio as Homer 5 ran it: database tables for five protocol types, and nothing of any other."""

    name = "kamailio_store"
    # fmt: off
    TYPES: ClassVar[dict[tuple[str, Optional[int]], int]] = {
        # table, its type column: HEP protocol type
        ("sip_capture",    None): 1,
        ("rtcp_capture",   3):    5,
        ("report_capture", 2):    32,
        ("report_capture", 4):    99,
        ("logs_capture",   5):    100,
    }
    # fmt: on
    TRANSPORTS: ClassVar[dict[int, int]] = {1: 17, 2: 6, 3: 22, 4: 132}
    """Kamailio's own number: IP protocol."""

    @classmethod
    def view(cls, seen: Seen) -> Optional[Seen]:
        if seen.protocol_type not in cls.TYPES.values():
            return None
        return seen._replace(version=None, auth_key=None, node_name=None, mos=None)

    def _news(self) -> Iterator[Seen]:
        for table in dict.fromkeys(table for table, _ in self.TYPES):
            for row in self._rows(table, "*, cast(msg as blob) as octets, json_valid(cast(msg as text)) as json"):
                seconds, microseconds = divmod(row["micro_ts"], 1_000_000)
                kind = None if table == "sip_capture" else row["type"]
                capture_id = row["node"].partition(":")[2]  # absent in a message of second 0
                yield Seen(
                    ip_family=row["family"],
                    ip_protocol=self.TRANSPORTS.get(row["proto"]),
                    src_ip=address(row["source_ip"]),
                    dst_ip=address(row["destination_ip"]),
                    src_port=row["source_port"],
                    dst_port=row["destination_port"],
                    seconds=seconds,
                    microseconds=microseconds,
                    protocol_type=self.TYPES.get((table, kind)),
                    capture_id=int(capture_id) if capture_id else None,
                    correlation_id=row["correlation_id"],
                    payload=row["octets"],
                    json=bool(row["json"]),
                )


class KamailioChunks(_Kamailio):
    """Kamailio as a recorder of chunks 1 to 15 and 17 of every message, whatever its protocol type."""

    name = "kamailio_chunks"
    checks_key = True
    ABSENT: ClassVar[str] = "0"
    """What a text chunk reads that is not there; one that really says "0" looks the same."""
    UNREAD: ClassVar[str] = "0"
    """What stands for the hexadecimal payload of a datagram in which it found none."""

    @classmethod
    def view(cls, seen: Seen) -> Seen:
        key, correlation_id = ("" if text == cls.ABSENT else text for text in (seen.auth_key, seen.correlation_id))
        return seen._replace(auth_key=key, correlation_id=correlation_id, node_name=None, mos=None, json=None)

    def _news(self) -> Iterator[Seen]:
        for row in self._rows("chunks"):
            seen = Seen(
                version=row["version"],
                ip_family=row["family"],
                ip_protocol=row["protocol"],
                src_ip=address(row["src4"] or row["src6"]),
                dst_ip=address(row["dst4"] or row["dst6"]),
                src_port=row["src_port"],
                dst_port=row["dst_port"],
                seconds=row["seconds"],
                microseconds=row["microseconds"],
                protocol_type=row["type"],
                capture_id=row["capture_id"],
                auth_key=self._text(row["key_hex"]),
                correlation_id=self._text(row["correlation_hex"]),
                payload=b"" if row["payload_hex"] == self.UNREAD else bytes.fromhex(row["payload_hex"]),
            )
            if self.auth_key is None or row["keyed"]:
                yield seen
            else:
                self.refused.append(seen)

    def _text(self, octets: str) -> str:
        text = bytes.fromhex(octets).decode(errors="replace")
        return "" if text == self.ABSENT else text


class Sngrep(Judge):
    """sngrep as HEP listener: each payload becomes an IPv4 and UDP frame in a capture file, whatever its type."""

    checks_key = True
    largest = 20_480  # its buffer; of more than that it reports whatever stands in memory behind
    NO_ADDRESS: ClassVar[str] = "0.0.0.0"
    """What an IPv6 address becomes."""

    @classmethod
    def missing(cls) -> Optional[str]:
        return None if _program("sngrep") else "Sngrep needs the Debian package sngrep"

    @classmethod
    def view(cls, seen: Seen) -> Seen:
        is_ipv4 = seen.ip_family == 2
        return Seen(
            src_ip=cls._known(seen.src_ip) if is_ipv4 else None,
            dst_ip=cls._known(seen.dst_ip) if is_ipv4 else None,
            src_port=seen.src_port,
            dst_port=seen.dst_port,
            seconds=seen.seconds,
            microseconds=seen.microseconds,
            payload=seen.payload,
        )

    @classmethod
    def _known(cls, text: Optional[str]) -> Optional[str]:
        return None if text == cls.NO_ADDRESS else text

    @property
    def _captures(self) -> list[Path]:
        """One per start, because each start overwrites its file."""
        return sorted(self.directory.glob("capture-*.pcap"))

    def _command(self) -> list[str]:
        settings = self.directory / "sngreprc"
        settings.write_text(f"set eep.listen.pass {self.auth_key}\n" if self.auth_key else "")
        capture = self.directory / f"capture-{len(self._captures) + 1:03}.pcap"
        host, port = self.address
        return [
            *(_program("sngrep") or "sngrep", "-F", "-f", str(settings)),
            *("-N", "-q", "-L", f"udp:{host}:{port}", "-O", str(capture)),
        ]

    def _news(self) -> Iterator[Seen]:
        for path in self._captures:
            for end, seconds, microseconds, frame in frames(path, self._read_to[path.name]):
                self._read_to[path.name] = end
                packet = frame[14:]  # behind the Ethernet header
                datagram = packet[4 * (packet[0] & 15) :]  # behind the IP header
                src_port, dst_port = struct.unpack(">HH", datagram[:4])
                yield Seen(
                    src_ip=self._known(socket.inet_ntoa(packet[12:16])),
                    dst_ip=self._known(socket.inet_ntoa(packet[16:20])),
                    src_port=src_port,
                    dst_port=dst_port,
                    seconds=seconds,
                    microseconds=microseconds,
                    payload=datagram[8:],
                )


class HepJs(Judge):
    """hep-js, the decoder of Homer's own authors, behind a UDP socket."""

    @classmethod
    def missing(cls) -> Optional[str]:
        if _program("node") is None:
            return "HepJs needs the Debian package nodejs"
        if not (NODE_MODULES / "hep-js").is_dir():
            return "HepJs needs the npm package hep-js"
        return None

    @classmethod
    def view(cls, seen: Seen) -> Seen:
        return seen if seen.ip_family == 2 else seen._replace(src_ip=None, dst_ip=None)

    def _command(self) -> list[str]:
        host, port = self.address
        return [_program("node") or "node", str(HERE / "hepjs" / "collector.js"), host, str(port)]

    def _environment(self) -> dict[str, str]:
        return {"NODE_PATH": str(NODE_MODULES)}

    def _news(self) -> Iterator[Seen]:
        with self._output.open("rb") as file:
            file.seek(self._read_to["output"])
            lines = file.read()
        lines = lines[: lines.rfind(b"\n") + 1]  # the last one may still be written
        self._read_to["output"] += len(lines)
        for line in lines.splitlines():
            record = json.loads(line)
            if not record["decoded"]:
                continue  # refused: magic or a length is wrong
            chunks = record["decoded"].get("rcinfo", {})
            yield Seen(
                version=3,  # it takes no other
                ip_family=chunks.get("protocolFamily"),
                ip_protocol=chunks.get("protocol"),
                src_ip=address(chunks.get("srcIp")),
                dst_ip=address(chunks.get("dstIp")),
                src_port=chunks.get("srcPort"),
                dst_port=chunks.get("dstPort"),
                seconds=chunks.get("timeSeconds"),
                microseconds=chunks.get("timeUseconds"),
                protocol_type=chunks.get("payloadType"),
                capture_id=chunks.get("captureId"),
                auth_key=chunks.get("capturePass", ""),
                correlation_id=chunks.get("correlation_id", ""),
                payload=record["decoded"].get("payload", "").encode(),
                node_name=chunks.get("hepNodeName", ""),
                mos=chunks.get("mos", 0),
                json=record["json"],
            )


JUDGES: tuple[type[Judge], ...] = (KamailioStore, KamailioChunks, Sngrep, HepJs)

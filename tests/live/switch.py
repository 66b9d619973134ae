"""
A real FreeSWITCH with a throw-away configuration: started, asked, and stopped whatever happens.

Rules:
1. It lives in a folder of its own, on ports of its own, in a process group of its own.
2. It is ended by process id; the kernel kills it when the tests end in any other way.
3. Its PATH is the system's: mod_python3's interpreter takes its home from the first python3 that it finds there.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Optional, Union

from .collector import eventually
from .configuration import PASSWORD, Ports, files

Endpoint = tuple[str, int]

START_S = 30.0
STOP_S = 10.0
ANSWER_S = 20.0
PROBE = Path(__file__).with_name("probe.py")
FOLDERS = "log db run scripts temp sounds recordings storage cache certs htdocs grammar".split()


class Installation:
    """Where a FreeSWITCH binary has its modules, its fs_cli and, where releases share a machine, its freeswitch.py."""

    def __init__(self, binary: Path) -> None:
        self.binary = binary
        prefix = binary.parent.parent
        candidates = [prefix / "lib/freeswitch/mod", prefix / "mod", *prefix.glob("lib/*/freeswitch/mod")]
        self.modules = next((folder for folder in candidates if folder.is_dir()), candidates[0])
        self.fs_cli = binary.parent / "fs_cli"
        self.wrapper = self.modules / "freeswitch.py"
        """`make install` puts it where all releases share it: then the last one that was installed wins."""

    @functools.cached_property
    def release(self) -> str:
        """Its version, such as 1.10.12; empty where it does not say."""
        told = subprocess.run([str(self.binary), "-version"], capture_output=True, text=True, check=False)
        found = re.search(r"version: (\S+?)(-release)?~", told.stdout)
        return found[1] if found else ""

    @property
    def number(self) -> tuple[int, ...]:
        """The same as numbers, to be compared."""
        return tuple(map(int, re.findall(r"\d+", self.release)))

    @functools.cached_property
    def lacking(self) -> str:
        """What there is not but ought to be; empty where nothing is missing."""
        if not os.access(self.binary, os.X_OK):
            return f"{self.binary} is no program"
        if not (self.modules / "mod_python3.so").exists():
            return f"{self.binary} has no mod_python3 in {self.modules}"
        if not self.fs_cli.exists():
            return f"{self.binary} has no fs_cli beside it"
        return "" if self.release else f"{self.binary} does not tell its version"


@functools.cache
def installations() -> list[Union[Installation, str]]:
    """
    The FreeSWITCHes of $FREESWITCH (paths with colons between them), else the one on PATH; instead of one that can't
    be used a text that says why.
    """
    named = os.environ.get("FREESWITCH") or shutil.which("freeswitch")
    if not named:
        return ["no FreeSWITCH: none on PATH, and FREESWITCH does not name one"]
    found = [Installation(Path(path).resolve()) for path in named.split(os.pathsep) if path]
    return [each.lacking or each for each in found]


class Esl:
    """One connection to a switch's event socket."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S)
        self._stream = self._socket.makefile("rwb")
        self._read()
        self._command(f"auth {PASSWORD}")

    def api(self, command: str, patience: float = ANSWER_S) -> str:
        """The answer to a command of fs_cli."""
        self._socket.settimeout(patience)
        return self._command(f"api {command}")

    def fire(self, subclass: str) -> None:
        """Fires a CUSTOM event of the switch's."""
        self._command(f"sendevent CUSTOM\nEvent-Subclass: {subclass}")

    def close(self) -> None:
        self._stream.close()
        self._socket.close()

    def _command(self, text: str) -> str:
        self._stream.write(f"{text}\n\n".encode("utf-8", "surrogateescape"))
        self._stream.flush()
        return self._read()

    def _read(self) -> str:
        length = 0
        while line := self._stream.readline():
            if line == b"\n":
                return self._stream.read(length).decode("utf-8", "replace")
            name, _, value = line.partition(b":")
            if name == b"Content-Length":
                length = int(value)
        raise ConnectionError("the switch hung up")


class Switch:
    """One switch, with these modules."""

    def __init__(self, home: Installation, folder: Path, ports: Ports, neighbour: Ports, *, modules: str) -> None:
        self.name = folder.name
        self.folder = folder
        self.ports = ports
        self.scripts = folder / "scripts"
        self.conf = folder / "conf"
        self.home = home
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._esl: Optional[Esl] = None
        for path, text in files(self.name, ports, neighbour, modules.split()).items():
            target = self.conf / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        for name in FOLDERS:
            (folder / name).mkdir(exist_ok=True)
        if home.wrapper.exists():
            shutil.copy(home.wrapper, self.scripts)

    # --- its life ---

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def launch(self) -> None:
        """Begins to start it; `wait_until_up` waits."""
        folders = [word for name in FOLDERS for word in (f"-{name}", str(self.folder / name))]
        command = [str(self.home.binary), "-nonat", "-nf", "-nc", "-conf", str(self.conf), *folders]
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "LANG": "C.UTF-8"}
        if "LD_LIBRARY_PATH" in os.environ:
            environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
        with (self.folder / "output").open("ab") as output:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command, "-mod", str(self.home.modules)],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_up(self) -> None:
        eventually(f"answer of {self.name}, see {self.folder}", self._is_up, patience=START_S)

    def ask_to_stop(self) -> None:
        """Tells it to shut down by itself, which takes it about six seconds."""
        with contextlib.suppress(OSError):
            if self.is_running():
                self.api("fsctl shutdown")
        self.hang_up()  # it would wait for us

    def stop(self, *, patience: float = STOP_S) -> None:
        """Ends it, after this long by force."""
        process, self._process = self._process, None
        self.hang_up()
        if process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def wait_until_gone(self, seconds: float) -> Optional[int]:
        """The exit status, None when it still runs after so long."""
        assert self._process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(seconds)
        return None

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    # --- what it says ---

    def api(self, command: str, patience: float = ANSWER_S) -> str:
        """The answer to a command, over the event socket."""
        if self._esl is None:
            self._esl = Esl(self.ports.esl)
        try:
            return self._esl.api(command, patience)
        except OSError:
            self.hang_up()
            raise

    def fs_cli(self, command: str) -> str:
        """The same as an operator gets it."""
        where = ["-H", "127.0.0.1", "-P", str(self.ports.esl), "-p", PASSWORD]
        told = subprocess.run(
            [str(self.home.fs_cli), "-Q", *where, "-x", command],
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.folder)},
            capture_output=True,
            text=True,
            check=True,
            timeout=ANSWER_S,
        )
        return told.stdout

    def channels(self) -> list[str]:
        """Unique-IDs of the channels that live."""
        return [row["uuid"] for row in json.loads(self.api("show channels as json")).get("rows", [])]

    def dump(self, unique_id: str) -> dict[str, str]:
        """A living channel's headers and variables; none when it is gone."""
        answer = self.api(f"uuid_dump {unique_id} json")
        headers: dict[str, str] = json.loads(answer) if answer.startswith("{") else {}
        return headers

    def log(self) -> str:
        """Its log so far."""
        return (self.folder / "log" / "freeswitch.log").read_text(errors="replace")

    def probe(self) -> dict[str, Any]:
        """What its interpreter is and holds (probe.py)."""
        if not (self.scripts / PROBE.name).exists():
            shutil.copy(PROBE, self.scripts)
        found: dict[str, Any] = json.loads(self.api("python probe"))
        return found

    # --- the agent in it ---

    @property
    def configuration(self) -> Path:
        """The agent's, as the operator edits it."""
        return self.conf / "autoload_configs" / "fs_hepipe.conf.xml"

    def hepipe(self, command: str = "") -> str:
        return self.api(f"python fs_hepipe {command}".rstrip())

    def status(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.hepipe("status json"))
        return report

    def configure(self, **parameters: object) -> None:
        """
        Changes parameters (`_` for `-`) of fs_hepipe.conf.xml, a list is given several times; the switch reads it at
        the next `reloadxml`.
        """
        text = self.configuration.read_text()
        for name, value in parameters.items():
            parameter = name.replace("_", "-")
            values = value if isinstance(value, list) else [value]
            lines = [f'<param name="{parameter}" value="{each}"/>' for each in values]
            text, changed = re.subn(rf'(<param name="{parameter}" value="[^"]*"/>\s*)+', "\n".join(lines) + "\n", text)
            assert changed == 1, parameter
        self.configuration.write_text(text)

    # --- what the kernel says ---

    def threads(self) -> set[int]:
        return {int(entry.name) for entry in Path(f"/proc/{self.pid}/task").iterdir()}

    def cpu_s(self) -> float:
        """Seconds of CPU that it has used."""
        return cpu_s(Path(f"/proc/{self.pid}/stat"))

    def thread_cpu_s(self, thread: int) -> float:
        """Seconds of CPU that a thread has used, exactly (the kernel's sched-stats.rst); none when it has ended."""
        path = Path(f"/proc/{self.pid}/task/{thread}/schedstat")
        return int(path.read_text().split()[0]) / 1e9 if path.exists() else 0.0

    def resident_kb(self) -> int:
        """Memory that it holds in RAM."""
        found = re.search(r"^VmRSS:\s*(\d+) kB", Path(f"/proc/{self.pid}/status").read_text(), re.MULTILINE)
        assert found is not None
        return int(found[1])

    def descriptors(self) -> dict[str, str]:
        """What is open, by number: a path, or `socket:[INODE]`."""
        found = {}
        for entry in Path(f"/proc/{self.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                found[entry.name] = str(entry.readlink())
        return found

    def udp_sockets(self) -> list[tuple[Endpoint, Endpoint]]:
        """Local and remote end (port 0: not connected) of each UDP socket."""
        own = set(self.descriptors().values())
        found = []
        for table in ("udp", "udp6"):
            for line in Path(f"/proc/{self.pid}/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if f"socket:[{fields[9]}]" in own:
                    found.append((endpoint(fields[1]), endpoint(fields[2])))
        return found

    def sending_sockets(self) -> set[Endpoint]:
        """Local ends of its UDP sockets that are bound to no address: those of the agent, FreeSWITCH's own are."""
        return {local for local, _ in self.udp_sockets() if local[0] in {"0.0.0.0", "::"}}

    def tcp_connections(self, remote: Endpoint) -> set[Endpoint]:
        """Local ends of its TCP connections to a remote one."""
        own = set(self.descriptors().values())
        rows = [line.split() for line in Path(f"/proc/{self.pid}/net/tcp").read_text().splitlines()[1:]]
        return {endpoint(row[1]) for row in rows if f"socket:[{row[9]}]" in own and endpoint(row[2]) == remote}

    def _is_up(self) -> bool:
        assert self.is_running(), f"{self.name} has ended, see {self.folder}"
        with contextlib.suppress(OSError):
            running = {line.split()[0] for line in self.api("sofia status").splitlines() if "RUNNING" in line}
            return len(running) == (self.conf / "autoload_configs/sofia.conf.xml").read_text().count("<profile ")
        return False

    def hang_up(self) -> None:
        """Ends our connection to its event socket."""
        if self._esl is not None:
            self._esl.close()
            self._esl = None


def distribution() -> str:
    """What this machine runs, in the distribution's own words (os-release(5))."""
    found = re.search(r'^PRETTY_NAME="?([^"\n]+)', Path("/etc/os-release").read_text(), re.MULTILINE)
    return found[1] if found else "unknown"


def cpu_s(stat: Path) -> float:
    """User and system time of a process or thread, in seconds (proc(5))."""
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def endpoint(text: str) -> Endpoint:
    """An address of /proc/net/udp: words of 32 bits in the machine's order, and a port."""
    address, _, port = text.partition(":")
    words = [int(address[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(address), 8)]
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return socket.inet_ntop(family, b"".join(words)), int(port, 16)

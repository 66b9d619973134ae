"""
A network of a test's own, in network namespaces: a switch, a router and two hosts for collectors.

    switch  10.1.0.1 (fd01::1)  ── 10.1.0.2 (fd01::2)  router  10.8.0.2 (fd08::2) ── 10.8.0.1 (fd08::1)  homer
            10.2.0.1 (fd02::1)  ── 10.2.0.2 (fd02::2)          10.9.0.2 (fd09::2) ── 10.9.0.1 (fd09::1)  other

The switch's way is by 10.1.0.2 unless a test changes it. Sockets belong to the namespace that their thread was in when
it made them; `inside` moves the thread of a test, and threads that it starts there stay there.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import heapq
import os
import random
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

NAMES = ("switch", "router", "homer", "other")
HOMER, OTHER = "10.8.0.1", "10.9.0.1"
HOMER6, OTHER6 = "fd08::1", "fd09::1"

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000

_libc = ctypes.CDLL(None, use_errno=True)


def why_not() -> Optional[str]:
    """Why there can be no namespaces here; None if there can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "network namespaces need root on Linux"
    name = f"fsh{os.getpid()}-probe"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False)
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    return None if made.returncode == 0 else "this machine allows no network namespaces"


class Network:
    """The network above."""

    def __init__(self) -> None:
        self._prefix = f"fsh{os.getpid()}-"

    def set_up(self) -> None:
        """Makes it."""
        for name in NAMES:
            subprocess.run(["ip", "netns", "add", self._prefix + name], check=True)
            self.run(name, "sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0")
        self._link("switch", "router", 1)
        self._link("switch", "router", 2)
        self._link("homer", "router", 8)
        self._link("other", "router", 9)
        for name in NAMES:
            self.ip(name, "link set lo up")
            self.run(name, "sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0")
        self.run("router", "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
        for name, number in (("switch", 1), ("homer", 8), ("other", 9)):
            self.ip(name, f"route add default via 10.{number}.0.2", f"route add ::/0 via fd0{number}::2")
        for host in (HOMER, HOMER6, OTHER, OTHER6):
            self._await(host)

    def _await(self, host: str) -> None:
        """Waits until a host answers: the links need a moment."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with self.inside("switch"), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.settimeout(0.05)
            probe.connect((host, 9))
            for _ in range(100):
                try:
                    probe.send(b"x")
                    probe.recv(1)
                except ConnectionRefusedError:
                    return
                except OSError:
                    pass
        raise AssertionError(f"{host} does not answer")

    def _link(self, host: str, router: str, number: int) -> None:
        near, far = f"n{number}", f"r{number}"
        self.ip(
            host,
            f"link add {near} type veth peer name {far} netns {self._prefix}{router}",
            f"addr add 10.{number}.0.1/24 dev {near}",
            f"addr add fd0{number}::1/64 dev {near} nodad",
            f"link set {near} up",
        )
        self.ip(
            router,
            f"addr add 10.{number}.0.2/24 dev {far}",
            f"addr add fd0{number}::2/64 dev {far} nodad",
            f"link set {far} up",
        )

    def ip(self, name: str, *commands: str) -> None:
        """`ip` commands in a namespace."""
        batch = "".join(f"{command}\n" for command in commands)
        subprocess.run(["ip", "-n", self._prefix + name, "-batch", "-"], input=batch, text=True, check=True)

    def run(self, name: str, command: str) -> None:
        """A command in a namespace."""
        inside = ["ip", "netns", "exec", self._prefix + name]
        subprocess.run([*inside, *command.split()], check=True, stdout=subprocess.DEVNULL)

    @contextlib.contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """This thread is in the namespace."""
        with Path(f"/proc/self/task/{threading.get_native_id()}/ns/net").open() as before:
            with Path(f"/run/netns/{self._prefix}{name}").open() as there:
                _set_namespace(there.fileno())
            try:
                yield
            finally:
                _set_namespace(before.fileno())

    def close(self) -> None:
        """Removes it."""
        for name in NAMES:
            subprocess.run(["ip", "netns", "del", self._prefix + name], check=False)


def _set_namespace(descriptor: int) -> None:
    if _libc.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


class Receiver:
    """What arrives at a UDP port of a namespace, with the address that it came from."""

    def __init__(self, network: Network, name: str, ip: str = "", port: int = 9060) -> None:
        family = socket.AF_INET6 if ":" in ip else socket.AF_INET
        with network.inside(name):
            self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
        self._socket.bind((ip, port))
        self.messages: list[bytes] = []
        self.sources: list[str] = []
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    def _receive(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                datagram, source = self._socket.recvfrom(65_536)
                if not datagram:
                    return
                self.messages.append(datagram)
                self.sources.append(source[0])

    def close(self) -> None:
        """Ends it, after everything that arrived was read."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._socket.close()


class SlowLink:
    """A link between the switch and homer, 10.7.0.1 - 10.7.0.2, that delays packets and loses some."""

    def __init__(self, network: Network, delay: float = 0.0, loss: float = 0.0) -> None:
        self.delay, self.loss = delay, loss
        self._ends = [_tun(network, name, f"10.7.0.{number}/24") for number, name in ((1, "switch"), (2, "homer"))]
        self._random = random.Random(7)
        self._going = True
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def _carry(self) -> None:
        waiting: list[tuple[float, int, int, bytes]] = []
        number = 0
        while self._going:
            ready, _, _ = select.select(self._ends, [], [], 0.005)
            now = time.monotonic()
            for end in ready:
                packet = os.read(end, 65_536)
                number += 1
                if self._random.random() >= self.loss:
                    heapq.heappush(waiting, (now + self.delay, number, self._ends[end == self._ends[0]], packet))
            while waiting and waiting[0][0] <= now:
                _, _, end, packet = heapq.heappop(waiting)
                with contextlib.suppress(OSError):
                    os.write(end, packet)

    def close(self) -> None:
        self._going = False
        self._thread.join(5)
        for end in self._ends:
            os.close(end)


def _tun(network: Network, name: str, address: str) -> int:
    with network.inside(name):
        end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH22x", b"slow", IFF_TUN | IFF_NO_PI))
    network.ip(name, f"addr add {address} dev slow", "link set slow up")
    return end

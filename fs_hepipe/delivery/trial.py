"""
One message to one collector, to see how far it gets: for `test`, not for the event path.
"""

from __future__ import annotations

import select
import time
from typing import NamedTuple, Optional

from fs_hepipe.delivery import answers
from fs_hepipe.delivery.address import Address
from fs_hepipe.delivery.link import CLOSED, CONNECTING, UP, Link
from fs_hepipe.delivery.resolve import Resolver, Target, addresses, written
from fs_hepipe.delivery.udp import UdpCollector
from fs_hepipe.words.errors import TransportError

ANSWER_WAIT = 0.2
"""Seconds to wait for an answer (ICMP) that a datagram got nowhere: a long-distance round trip."""

PATIENCE = 3.0
"""Seconds for a connect, and for a handshake."""

RECEIPT_WAIT = 3.0
"""Seconds to wait until a message over a connection counts as sent."""


class Trial(NamedTuple):
    """How it ended."""

    target: Optional[Target]
    """The address where nothing is known to have gone wrong; None if there is none."""
    text: str


def trial(address: Address, message: bytes) -> Trial:
    """Looks a collector's name up and sends it a message, to one address after the other until one works. Waits."""
    try:
        targets = addresses(address.host, address.port)
    except TransportError as error:
        return Trial(None, f"look-up: {error}")
    failed: list[str] = []
    for target in targets:
        found = _over_link(address, target, message) if address.is_stream else _datagram(target, message)
        if found.target is not None:
            return Trial(found.target, "; ".join([found.text, *failed]))
        failed.append(found.text)
    return Trial(None, "; ".join(failed))


def _datagram(target: Target, message: bytes) -> Trial:
    collector = UdpCollector("", [Resolver(str(target[1][0]), int(str(target[1][1])))])
    try:
        collector.send(message, time.time())
        collector.await_answers(ANSWER_WAIT, time.time())
    finally:
        collector.close()
    if collector.last_error is not None:
        return Trial(None, collector.last_error.text)
    known = "" if answers.IS_READ else "; of all that can go wrong, this system tells only refusals"
    return Trial(
        target,
        f"sent {len(message)} octets to {written(target)}, and no answer says that they got lost (UDP is not "
        f"acknowledged: whether they arrived is not known{known})",
    )


def _over_link(address: Address, target: Target, message: bytes) -> Trial:
    where = written(target)
    began = time.monotonic()
    try:
        link = Link(address, target, began, PATIENCE)
    except OSError as error:
        return Trial(None, f"{where} no socket: {error.strerror}")
    stage = CONNECTING
    while link.state not in {UP, CLOSED}:
        stage = link.state
        _step(link)
    if link.state == CLOSED:
        return Trial(None, f"{where} {stage}: {link.error}")
    took = (time.monotonic() - began) * 1000
    text = f"{where} is connected in {took:.0f} ms" + (f", {link.security}" if link.security else "")
    link.send([message], time.monotonic())
    deadline = time.monotonic() + RECEIPT_WAIT
    while link.state == UP and not link.confirmed(time.monotonic()) and time.monotonic() < deadline:
        _step(link)
    _, rest = link.close()
    if link.error:
        return Trial(None, f"{text}, then: {link.error}")
    if rest:
        return Trial(None, f"{text}, but {len(message)} octets were not acknowledged in {RECEIPT_WAIT:.0f} s")
    return Trial(target, f"{text}; sent {len(message)} octets, which its host has acknowledged")


def _step(link: Link) -> None:
    """Waits until there is something to do, and does it."""
    poll = select.poll()
    poll.register(link, link.waits_for)
    poll.poll(50)
    link.step(time.monotonic())

"""
One message to one collector, to see how far it gets: for `test`, not for the event path.
"""

from __future__ import annotations

import time
from typing import NamedTuple

from fs_hepipe.delivery import answers
from fs_hepipe.delivery.address import Address, endpoint
from fs_hepipe.delivery.resolve import Resolver, Target, addresses
from fs_hepipe.delivery.udp import UdpCollector
from fs_hepipe.words.errors import TransportError

ANSWER_WAIT = 0.2
"""Seconds to wait for an answer (ICMP) that a message got nowhere: a long-distance round trip."""


class Trial(NamedTuple):
    """How it ended."""

    worked: bool
    """Whether nothing is known to have gone wrong."""
    text: str


def trial(address: Address, message: bytes) -> Trial:
    """Looks a collector's name up and sends it a message, to one address after the other until one works. Waits."""
    try:
        targets = addresses(address.host, address.port)
    except TransportError as error:
        return Trial(False, str(error))
    failed: list[str] = []
    for target in targets:
        found = _udp(target, message)
        if found.worked:
            return Trial(True, "; ".join([found.text, *failed]))
        failed.append(found.text)
    return Trial(False, "; ".join(failed))


def _udp(target: Target, message: bytes) -> Trial:
    host, port = str(target[1][0]), int(str(target[1][1]))
    collector = UdpCollector("", [Resolver(host, port)])
    try:
        collector.send(message, time.time())
        collector.await_answers(ANSWER_WAIT, time.time())
    finally:
        collector.close()
    if collector.last_error is not None:
        return Trial(False, collector.last_error.text)
    known = "" if answers.IS_READ else "; of all that can go wrong, this system tells only refusals"
    return Trial(
        True,
        f"sent {len(message)} octets to {endpoint(host, port)}, and no answer says that they got lost (UDP is not "
        f"acknowledged: whether they arrived is not known{known})",
    )

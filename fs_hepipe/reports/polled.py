"""
What FreeSWITCH counted of the audio that it received -> a periodic report, where no RTCP tells of it (`qos-poll`).

It counts packets and flaws (switch_rtp.c:check_jitter), not what was lost: there is no EXPECTED_PK and no PACKET_LOSS,
and so no estimate. MOS is made of the flaws of the interval as FreeSWITCH makes its own of all (do_mos), and MOS_SOURCE
says so. Its own are SWITCH_MOS and SWITCH_RFACTOR.
"""

from __future__ import annotations

from typing import Any, Optional

from fs_hepipe.calls.leg import Leg
from fs_hepipe.calls.media import AUDIO, Medium
from fs_hepipe.calls.polls import Counted
from fs_hepipe.calls.record import Record
from fs_hepipe.reports.emodel import mos
from fs_hepipe.reports.opinion import SWITCH
from fs_hepipe.reports.stream_report import HEADERS, MS, PERIODIC, Measured, known, records_of
from fs_hepipe.words.numbers import MICROS, Lenient

OF_AUDIO = HEADERS[AUDIO]


def counted(statistics: Lenient, timestamp: int) -> Optional[Counted]:
    """What the switch has counted until `timestamp`, microseconds; None if it does not tell."""
    packets = statistics.unsigned(OF_AUDIO.received)
    return None if packets is None else Counted(timestamp, packets, statistics.unsigned(OF_AUDIO.flaws))


def polled(
    statistics: Lenient,
    before: Counted,
    now: Counted,
    leg: Leg,
    medium: Medium,
    call_id: Optional[str],
    protocol_types: tuple[int, ...],
) -> list[Record]:
    """The report on what was counted from `before` to `now`; none if the counts began anew, as after a re-INVITE."""
    packets, micros = now.packets - before.packets, now.at - before.at
    if packets < 0 or micros <= 0:
        return []
    report: dict[str, Any] = {
        "INTERVAL": round(micros / MICROS, 3),         # s
        "TOTAL_PK": packets,
        "CUMULATIVE_TOTAL_PK": now.packets,
    }  # fmt: skip
    if packets:
        report["DELTA"] = round(micros / MS / packets, 3)  # ms
    flaws = None if now.flaws is None or before.flaws is None else now.flaws - before.flaws
    if flaws is not None and packets and 0 <= flaws <= packets:  # else they were set back to none
        r = 100 * (packets - flaws) // packets
        report.update(RFACTOR=r, MOS=round(mos(r), 2), MOS_SOURCE=SWITCH)
    _, (own_r, own_mos) = statistics.each(OF_AUDIO.own)
    report.update(known({"SWITCH_RFACTOR": own_r, "SWITCH_MOS": own_mos}))
    return records_of([Measured(medium, True, report)], leg, call_id, now.at, protocol_types, PERIODIC)

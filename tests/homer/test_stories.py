"""Every recorded story in the tables, end points and metrics of a real Homer 7."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fs_hepipe.tools.demo import RECORDINGS

from .conftest import ROOT, Homer
from .program import eventually

pytestmark = pytest.mark.homer

STORIES = [*sorted((ROOT / "tests" / "data" / "stories").glob("*.jsonl.gz")), *sorted(RECORDINGS.glob("*.jsonl.gz"))]

TABLE = {"5": "5_default", "34": "35_default", "100": "100_default"}
"""Where heplify-server stores a protocol type."""


def replay(path: Path, collector: str, *words: str) -> dict[str, Any]:
    """Sends a story as an operator does, with times from now on; what `replay` says of it."""
    command = [sys.executable, "-m", "fs_hepipe", "replay", str(path), "--collector", collector, "--json", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.name.partition(".jsonl")[0])
def test_every_message_of_a_story_is_a_row_of_its_table_under_its_call_id(homer: Homer, path: Path) -> None:
    many = "load" in path.name
    report = replay(path, homer.server.tcp_url, *(["--speed", "20"] if many else []))
    wanted: Counter[str] = Counter()
    for kind, count in report["messages"].items():
        wanted[TABLE[kind]] += count
    assert homer.server.wait_for(sum(wanted.values())) == wanted
    for table in wanted:
        for row in homer.database.rows(table):
            assert row["sid"]
            assert row["sid"] == row["protocol_header"]["correlation_id"]
            if table != "100_default":
                json.loads(row["raw"])


@pytest.mark.parametrize("story", ["bridged_answered", "lossy_media", "srtp", "ipv6_echo"])
def test_end_points_give_each_leg_its_numbers(homer: Homer, story: str) -> None:
    report = replay(RECORDINGS / f"{story}.jsonl.gz", homer.server.tcp_url)
    homer.server.wait_for(sum(report["messages"].values()))
    legs = sorted({row["sid"] for row in homer.database.rows("35_default")})
    assert legs
    rtcp, reports = homer.app.qos(*legs)
    assert len(rtcp) == report["messages"]["5"]
    assert len(reports) == report["messages"]["34"]
    stored = {row["raw"] for table in ("5_default", "35_default") for row in homer.database.rows(table)}
    assert {row["raw"] for row in (*rtcp, *reports)} == stored
    for leg in legs:
        own_rtcp, own_reports = homer.app.qos(leg)
        assert {row["sid"] for row in (*own_rtcp, *own_reports)} == {leg}
        for each in own_reports:
            told = json.loads(each["raw"])
            assert told["EXPECTED_PK"] == told["TOTAL_PK"] + told["PACKET_LOSS"]
            assert 1.0 <= told.get("MOS", 1.0) <= 4.5
            assert (each["srcIp"], each["srcPort"]) == (told["SRC_IP"], told["SRC_PORT"])
        lines = [row["raw"] for row in homer.app.logs(leg)]
        assert any(line.startswith("CHANNEL_HANGUP_COMPLETE") for line in lines)
        assert all(f"call-id={leg}" in line for line in lines)


def test_loss_of_a_lossy_call_is_the_same_in_rows_end_point_and_metrics(homer: Homer) -> None:
    report = replay(RECORDINGS / "lossy_media.jsonl.gz", homer.server.tcp_url)
    homer.server.wait_for(sum(report["messages"].values()))
    blocks = [block for each in homer.reports("5_default") for block in each["report_blocks"]]
    assert len([block for block in blocks if block["packets_lost"] > 0]) > 10
    assert max(block["packets_lost"] for block in blocks) < 0.2 * 256
    assert max(block["cumulative_lost"] for block in blocks) > 40
    metrics = homer.server.metrics()
    node = homer.database.rows("5_default")[0]["protocol_header"]["captureId"]
    value = {name.partition("{")[0]: number for name, number in metrics.items() if f'node_id="{node}"' in name}
    fractions = {block["fraction_lost"] for block in blocks}
    lost = {block["packets_lost"] for block in blocks}
    jitters = {block["ia_jitter"] for block in blocks}
    assert value["heplify_rtcp_fraction_lost"] in fractions
    assert value["heplify_rtcp_packets_lost"] in lost
    assert value["heplify_rtcp_jitter"] in jitters
    mos = {each["MOS"] for each in homer.reports("35_default") if "MOS" in each}
    assert value["heplify_rtpagent_mos"] in mos


def test_what_is_older_than_yesterday_is_not_stored(homer: Homer) -> None:
    report = replay(RECORDINGS / "busy_486.jsonl.gz", homer.server.tcp_url, "--times", "recorded")
    assert report["ledger"]["balances"]
    eventually("word of the missing partition", lambda: "no partition of relation" in homer.server.output)
    marker = replay(RECORDINGS / "notfound_404.jsonl.gz", homer.server.tcp_url)
    assert homer.server.wait_for(marker["messages"]["100"]) == {"100_default": marker["messages"]["100"]}


def test_after_a_restart_of_the_collector_in_mid_run_the_rest_is_sent_over_tcp(homer: Homer, tmp_path: Path) -> None:
    story = RECORDINGS / "load_150_calls.jsonl.gz"
    command = [sys.executable, "-m", "fs_hepipe", "replay", str(story), "--json", "--speed", "1.5"]
    command += ["--collector", homer.server.tcp_url]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as run:
        homer.server.wait_for(100)
        homer.server.stop()
        stored = sum(homer.server.stored().values())
        homer.server.start()
        homer.server.wait_until_up()
        out, _ = run.communicate(timeout=300)
    report = json.loads(out.splitlines()[-1])
    total = sum(report["messages"].values())
    assert report["collectors"][0]["errors"] == {}
    assert report["collectors"][0]["sent"] == total
    assert stored < total
    after = sum(homer.server.wait_for(total - 400).values())
    assert after > 0.8 * total, "all but what heplify-server itself had not yet written"

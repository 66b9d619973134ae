"""conf/prometheus and conf/grafana ask for metrics and labels that there are; promtool judges where there is one."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from fs_hepipe.agent.config import Config
from fs_hepipe.agent.loop import Agent
from fs_hepipe.agent.metrics import as_prometheus
from fs_hepipe.agent.status import status
from fs_hepipe.reports.tally import BOUNDS

ROOT = Path(__file__).resolve().parents[3]
ALERTS = ROOT / "conf/prometheus/alerts.yml"
DASHBOARD = ROOT / "conf/grafana/fs_hepipe.json"


def known() -> set[str]:
    """The names of all samples there can be."""

    def no_inlet(_length: int) -> Any:
        raise AssertionError

    families = text_string_to_metric_families(as_prometheus(status(Agent(Config(), no_inlet))))
    names = {family.name + ("_total" if family.type == "counter" else "") for family in families}
    parts = {f"fs_hepipe_call_{measure}_{part}" for measure in BOUNDS for part in ("bucket", "count", "sum")}
    return names | parts


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return found


def expressions() -> list[str]:
    return [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", [])]


@pytest.mark.parametrize("path", [ALERTS, DASHBOARD], ids=lambda path: path.name)
def test_every_metric_that_is_asked_for_is_there(path: Path) -> None:
    asked = set(re.findall(r"\bfs_hepipe_\w+", path.read_text(encoding="utf-8")))
    assert len(asked) > 8
    assert asked - known() == set()


def test_panels_do_not_overlap_and_have_names_of_their_own() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_what_a_panel_varies_by_is_a_variable_of_the_dashboard() -> None:
    variables = {each["name"] for each in dashboard()["templating"]["list"]}
    asked = {name for each in expressions() for name in re.findall(r"\$(\w+)", each)}
    assert {name for name in asked if not name.startswith("__")} <= variables


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool (Debian: prometheus)")
def test_promtool_takes_the_alerts_and_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    rules = [
        {"record": f"x:{number}", "expr": re.sub(r"\$__(rate_interval|range)", "5m", each)}
        for number, each in enumerate(expressions())
    ]
    (tmp_path / "dashboard.yml").write_text(json.dumps({"groups": [{"name": "x", "rules": rules}]}))
    for command in (
        ["check", "rules", str(ALERTS), str(tmp_path / "dashboard.yml")],
        ["test", "rules", str(ALERTS.with_name("alerts_test.yml"))],
    ):
        told = subprocess.run(
            ["promtool", *command], cwd=ALERTS.parent, capture_output=True, text=True, check=False
        )  # fmt: skip
        assert told.returncode == 0, told.stdout + told.stderr

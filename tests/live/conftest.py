"""
Two real switches as fixtures, started once: A with the agent in it, and B, which calls A and is called by it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .collector import Collector, eventually
from .configuration import MODULES, WITH_PYTHON, free_ports
from .lab import Lab
from .switch import Installation, Switch, distribution, installations

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


RAN_ON = pytest.StashKey[list[str]]()
"""What the run says of the switches that it ran on."""


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RAN_ON] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for said in config.stash[RAN_ON]:
        terminalreporter.write_line(said)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every story is told on every FreeSWITCH."""
    if "home" in metafunc.fixturenames:
        homes = installations()
        names = [each if isinstance(each, str) else each.release for each in homes]
        metafunc.parametrize("home", homes, ids=names, indirect=True, scope="session")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without a FreeSWITCH one story stands for all of them, so that its absence is one line."""
    lacking: dict[str, list[pytest.Item]] = {}
    for item in items:
        callspec = getattr(item, "callspec", None)
        home = callspec.params.get("home") if callspec else None
        if isinstance(home, str):
            lacking.setdefault(home, []).append(item)
    for reason, stories in lacking.items():
        stories[0].add_marker(pytest.mark.skip(f"{reason}: none of {len(stories)} stories is run"))
        items[:] = [item for item in items if item not in stories[1:]]
        config.hook.pytest_deselected(items=stories[1:])


@pytest.fixture(scope="session")
def home(request: pytest.FixtureRequest) -> Installation:
    """One FreeSWITCH of this machine."""
    found = request.param
    assert isinstance(found, Installation), found
    return found


@pytest.fixture(scope="session")
def shared_collector(home: Installation) -> Iterator[Collector]:
    with contextlib.closing(Collector()) as collector:
        yield collector


@pytest.fixture(scope="session")
def shared_lab(
    home: Installation,
    shared_collector: Collector,
    tmp_path_factory: pytest.TempPathFactory,
    pytestconfig: pytest.Config,
) -> Iterator[Lab]:
    """Both switches, running; the agent was started by python.conf.xml."""
    folder = tmp_path_factory.mktemp("live")
    with free_ports() as ports_a, free_ports() as ports_b:
        a = Switch(home, folder / "live-a", ports_a, ports_b, modules=WITH_PYTHON)
        b = Switch(home, folder / "live-b", ports_b, ports_a, modules=MODULES)
        install(a)
        a.configure(capture_server=shared_collector.url)
        with running(b, a):
            eventually("agent that python.conf.xml starts", is_up, a)
            python = a.probe()["python"]
            said = f"ran on FreeSWITCH {home.release}, its mod_python3 with {python}, {distribution()}"
            pytestconfig.stash[RAN_ON].append(said)
            yield Lab(a, b, shared_collector)


@pytest.fixture
def lab(shared_lab: Lab) -> Iterator[Lab]:
    """The shared switches without a call, the agent running by its own configuration; and so again afterwards."""
    a = shared_lab.a
    before = a.configuration.read_text()
    if not is_up(a):
        assert a.hepipe("start") == "+OK started\n"
    yield shared_lab
    shared_lab.hang_up()
    if a.configuration.read_text() != before:
        a.configuration.write_text(before)
        a.api("reloadxml")
        a.hepipe("restart")


@pytest.fixture
def another(home: Installation, shared_lab: Lab, tmp_path: Path) -> Iterator[Lab]:
    """A switch with the agent in it that the test may shut down, beside the shared B."""
    with free_ports() as ports, contextlib.closing(Collector()) as collector:
        switch = Switch(home, tmp_path / "live-c", ports, shared_lab.b.ports, modules=WITH_PYTHON)
        install(switch)
        switch.configure(capture_server=collector.url)
        with running(switch):
            eventually("agent that python.conf.xml starts", is_up, switch)
            yield Lab(switch, shared_lab.b, collector)


def is_up(switch: Switch) -> bool:
    return not switch.hepipe("status").startswith("-ERR")


@contextlib.contextmanager
def running(*switches: Switch) -> Iterator[None]:
    """Starts switches side by side, and stops them whatever happens."""
    try:
        for switch in switches:
            switch.launch()
        for switch in switches:
            switch.wait_until_up()
        yield
    finally:
        for switch in switches:
            switch.ask_to_stop()
        for switch in switches:
            switch.stop()


def install(switch: Switch) -> None:
    """The package, by the installer; construct comes from the tests' own environment: nothing is downloaded."""
    spec = importlib.util.find_spec("construct")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    shutil.copytree(package, switch.scripts / "construct", ignore=shutil.ignore_patterns("__pycache__"))
    command = [str(ROOT / "scripts" / "install"), "--scripts", str(switch.scripts), "--conf", str(switch.conf)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr

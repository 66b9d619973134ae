"""The contract inside a real switch, and what it says to kill one in one that may be killed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from shutil import copy

import pytest

from tests.contract.contract import STATED, VICES

from .configuration import free_ports
from .lab import Lab
from .switch import Installation, Switch

pytestmark = pytest.mark.live

CONTRACT = Path(__file__).resolve().parents[1] / "contract"

HANGING_S = 3.0
"""Seconds without an answer after which a switch is taken to wait for ever."""


@pytest.fixture
def contract(lab: Lab) -> Iterator[Lab]:
    """The contract in the script folder."""
    copies = [Path(copy(CONTRACT / name, lab.a.scripts)) for name in ("contract.py", "inside.py")]
    yield lab
    for path in copies:
        path.unlink()


def test_the_real_module_keeps_the_contract(contract: Lab, home: Installation) -> None:
    *checks, last = contract.a.fs_cli("python inside").split("\n\n")[0].strip().splitlines()
    assert [check for check in checks if " ok" not in check and " stated: " not in check] == []
    said = [check.split()[0] for check in checks if " stated: " in check]
    assert said == (["check_surrogates_are_not_taken"] if home.number < (1, 11) else [])
    assert last == f"{len(checks) - len(said)} passed, 0 failed, {len(said)} stated"


@pytest.fixture(scope="module")
def throw_away(home: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Switch]:
    """A switch that a test may kill; it is started again for the next one."""
    with free_ports() as ports:
        folder = tmp_path_factory.mktemp("vices") / "live-d"
        switch = Switch(home, folder, ports, ports, modules="event_socket commands python3")
        yield switch
        switch.stop(patience=0)


@pytest.mark.parametrize("code", [pytest.param(code, id=vice) for vice, code in VICES.items()])
def test_what_the_contract_says_to_kill_a_switch_kills_it(throw_away: Switch, code: str) -> None:
    assert fate(throw_away, code) in {"killed", "hangs"}


HANDED_IN = [
    "freeswitch.API().executeString('echo \\udce9')",
    "stream.write('\\udce9')",
    "freeswitch.consoleLog('debug', '\\udce9')",
    "freeswitch.Event('CUSTOM').addHeader('X', '\\udce9')",
    "freeswitch.EventConsumer().bind('CUSTOM', '\\udce9')",
]


@pytest.mark.parametrize("code", HANDED_IN)
def test_a_lone_surrogate_kills_the_releases_that_the_contract_says(throw_away: Switch, code: str) -> None:
    (before, _) = STATED["check_surrogates_are_not_taken"]
    assert fate(throw_away, code) == ("killed" if throw_away.home.number < before else "lives")


def fate(switch: Switch, code: str) -> str:
    """What a switch does when a script of its runs this code."""
    (switch.scripts / "vice.py").write_text(f"import freeswitch\ndef fsapi(session, stream, env, args):\n    {code}\n")
    if not switch.is_running():
        switch.launch()
        switch.wait_until_up()
    try:
        switch.api("python vice", patience=HANGING_S)
    except TimeoutError:
        switch.stop(patience=0)
        return "hangs"
    except ConnectionError:
        ended = switch.wait_until_gone(5)
        assert ended in {-signal.SIGSEGV, -signal.SIGABRT}, ended
        return "killed"
    return "lives"

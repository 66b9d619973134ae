"""
Two real switches of tests/live with what an operator sets up for Homer: sofia's own capture, and X-CID on the B leg.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.live.collector import Collector
from tests.live.configuration import MODULES, WITH_PYTHON, free_ports
from tests.live.conftest import install, is_up, running
from tests.live.lab import Lab
from tests.live.switch import Installation, Switch

from .program import eventually

X_CID = "nolocal:sip_h_X-CID=${sip_call_id}"
"""As README says it: only of this leg's INVITE, and of every leg that is called from here."""


def capture(switch: Switch, port: int, capture_id: int) -> None:
    """Sets up sofia's capture: where it goes, and on each profile."""
    path = switch.conf / "autoload_configs" / "sofia.conf.xml"
    server = f'<param name="capture-server" value="udp:127.0.0.1:{port};hep=3;capture_id={capture_id}"/>'
    text = path.read_text().replace("<profiles>", f"<global_settings>{server}</global_settings><profiles>")
    path.write_text(text.replace('<param name="sip-ip"', '<param name="sip-capture" value="yes"/><param name="sip-ip"'))


def name_the_other_leg(switch: Switch) -> None:
    """Sets up the dialplan: every leg that is called names the leg that called."""
    path = switch.conf / "dialplan" / "live.xml"
    action = '<action application="bridge"'
    text = path.read_text()
    assert action in text
    path.write_text(text.replace(action, f'<action application="export" data="{X_CID}"/>{action}'))


@contextlib.contextmanager
def laboratory(home: Installation, folder: Path, port: int) -> Iterator[Lab]:
    """Switches A (with the agent and the capture) and B, which is called and calls; all goes to heplify-server."""
    with free_ports() as ports_a, free_ports() as ports_b, contextlib.closing(Collector()) as beside:
        a = Switch(home, folder / "homer-a", ports_a, ports_b, modules=WITH_PYTHON)
        b = Switch(home, folder / "homer-b", ports_b, ports_a, modules=MODULES)
        install(a)
        capture(a, port, 200)
        name_the_other_leg(a)
        a.configure(capture_server=[f"udp:127.0.0.1:{port}", beside.url])
        with running(b, a):
            eventually("agent that python.conf.xml starts", lambda: is_up(a))
            yield Lab(a, b, beside)

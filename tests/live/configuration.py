"""
The ports of a switch and of its neighbour -> the files of a throw-away configuration, made from nothing.

Rules:
1. Only what the stories need: eleven modules, one SIP profile per address family, one dialplan.
2. Everything listens on loopback.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import NamedTuple

PASSWORD = "live"

SECRET = "s3cr3t-of-the-dialplan"
"""What the dialplan says that must not leave."""

MODULES = "console logfile event_socket sofia loopback commands dptools dialplan_xml tone_stream"
"""Of a switch that takes calls."""

WITH_PYTHON = f"{MODULES} python3"

PORTS = range(17_000, 30_000)
"""Below the ports that Linux gives to clients."""

BLOCK = 1000
"""How many a switch gets: a hundred bridged calls need two for RTP and two for RTCP each."""


class Ports(NamedTuple):
    """What a switch listens on."""

    sip: int
    """Of the SIP profiles, IPv4 and IPv6."""
    esl: int
    """Of the event socket."""
    rtp: range
    tls: int
    """Of the IPv4 profile, as the two below."""
    ws: int
    wss: int


@contextmanager
def free_ports() -> Iterator[Ports]:
    """A block of ports of which none is in use. Its first one is held meanwhile: nobody else may take the block."""
    firsts = range(PORTS.start, PORTS.stop - BLOCK + 1, BLOCK)
    with ExitStack() as claims:
        block = claimed(claims, random.SystemRandom().sample(firsts, k=len(firsts)))
        yield Ports(block[1], block[2], block[10:-1], block[3], block[4], block[5])


def claimed(claims: ExitStack, firsts: list[int]) -> range:
    """The first block whose ports are all free."""
    for first in firsts:
        with suppress(OSError), ExitStack() as trials:
            claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            kept = trials.enter_context(ExitStack())
            kept.enter_context(claim).bind(("127.0.0.1", first))
            for port in range(first + 1, first + BLOCK):
                trials.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)).bind(("127.0.0.1", port))
            for port in range(first + 1, first + 6):
                trials.enter_context(socket.create_server(("127.0.0.1", port)))
            claims.push(kept.pop_all())
            return range(first, first + BLOCK)
    raise RuntimeError(f"no {BLOCK} free ports in a row")


def has_ipv6() -> bool:
    with suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as trial:
        trial.bind(("::1", 0))
        return True
    return False


def files(name: str, ports: Ports, neighbour: Ports, modules: list[str]) -> dict[str, str]:
    """The configuration of switch `name`, as text by path below its configuration folder."""
    load = "\n".join(f'<load module="mod_{module}"/>' for module in modules)
    profiles = profile("live", "127.0.0.1", ports, neighbour) if "sofia" in modules else ""
    if profiles and has_ipv6():
        profiles += profile("live6", "::1", ports, neighbour)
    return {
        "freeswitch.xml": FREESWITCH,
        "autoload_configs/modules.conf.xml": configuration("modules.conf", f"<modules>{load}</modules>"),
        "autoload_configs/switch.conf.xml": configuration(
            "switch.conf",
            settings(
                {
                    "switchname": name,
                    "max-sessions": 2000,
                    "sessions-per-second": 1000,
                    "loglevel": "debug",
                    "rtp-start-port": ports.rtp.start,
                    "rtp-end-port": ports.rtp.stop - 1,
                }
            ),
        ),
        "autoload_configs/event_socket.conf.xml": configuration(
            "event_socket.conf",
            settings({"nat-map": "false", "listen-ip": "127.0.0.1", "listen-port": ports.esl, "password": PASSWORD}),
        ),
        "autoload_configs/logfile.conf.xml": configuration(
            "logfile.conf",
            settings({"rotate-on-hup": "true"})
            + '<profiles><profile name="default"><settings><param name="rollover" value="0"/></settings>'
            '<mappings><map name="all" value="debug,info,notice,warning,err,crit,alert"/></mappings>'
            "</profile></profiles>",
        ),
        "autoload_configs/console.conf.xml": configuration("console.conf", "<mappings/><settings/>"),
        "autoload_configs/acl.conf.xml": configuration("acl.conf", "<network-lists/>"),
        "autoload_configs/sofia.conf.xml": configuration("sofia.conf", f"<profiles>{profiles}</profiles>"),
        "dialplan/live.xml": dialplan(neighbour),
    }


FREESWITCH = """\
<document type="freeswitch/xml">
  <section name="configuration">
    <X-PRE-PROCESS cmd="include" data="autoload_configs/*.xml"/>
  </section>
  <section name="dialplan">
    <X-PRE-PROCESS cmd="include" data="dialplan/*.xml"/>
  </section>
</document>
"""


def configuration(name: str, body: str) -> str:
    return f'<configuration name="{name}" description="live tests">{body}</configuration>\n'


def settings(values: dict[str, object]) -> str:
    parameters = "".join(f'<param name="{name}" value="{value}"/>' for name, value in values.items())
    return f"<settings>{parameters}</settings>"


def profile(name: str, ip: str, ports: Ports, neighbour: Ports) -> str:
    """A SIP profile that takes any call and any registration, with a gateway to the neighbour that waits to be told."""
    gateway = settings(
        {
            "username": "live",
            "password": "live",
            "proxy": f"127.0.0.1:{neighbour.sip}",
            "register": "true",
            "expire-seconds": 600,
            "retry-seconds": 600,
        }
    )
    gateway = gateway.replace("settings>", "gateway>").replace("<gateway>", '<gateway name="neighbour">')
    parameters = settings(
        {
            "sip-ip": ip,
            "rtp-ip": ip,
            "sip-port": ports.sip,
            "auth-calls": "false",
            "auth-subscriptions": "false",
            "accept-blind-reg": "true",
            "dialplan": "XML",
            "context": "live",
            "codec-prefs": "PCMU",
            "inbound-codec-negotiation": "generous",
            "rtp-timer-name": "soft",
            "manage-presence": "false",
            "rtcp-audio-interval-msec": 2000,
            **({} if ":" in ip else secured(ports)),
        }
    )
    gateways = f"<gateways>{gateway}</gateways>" if ":" not in ip else ""
    return f'<profile name="{name}">{gateways}{parameters}</profile>'


def secured(ports: Ports) -> dict[str, object]:
    """The other transports of a profile; the switch makes its certificates itself."""
    return {
        "tls": "true",
        "tls-sip-port": ports.tls,
        "tls-version": "tlsv1.2",
        "tcp-unreg-on-socket-close": "true",
        "ws-binding": f"127.0.0.1:{ports.ws}",
        "wss-binding": f"127.0.0.1:{ports.wss}",
    }


def dialplan(neighbour: Ports) -> str:
    """What can be called: A's extensions bridge to B's, which answer, refuse or ring."""
    to = f"sofia/live/{{}}@127.0.0.1:{neighbour.sip}"
    echo, reports = to.format("echo"), "export fire_rtcp_events=true"
    extensions = {
        "bridge": (reports, f"bridge {echo}"),
        "silent": (f"bridge {echo}",),
        "nomux": (reports, f"bridge [rtcp_mux=false]{echo}"),
        "srtp": (
            reports,
            f"set sip_auth_password={SECRET}",
            f"bridge [rtp_secure_media=mandatory:AES_CM_128_HMAC_SHA1_80,sip_auth_password={SECRET}]{echo}",
        ),
        "ipv6": (reports, f"bridge sofia/live6/echo@[::1]:{neighbour.sip}"),
        "refused": (reports, f"bridge {to.format('busy')}"),
        "ringing": (reports, f"bridge {to.format('ring')}"),
        "logged": (reports, "python fs_hepipe log customer chose billing", f"bridge {echo}"),
        "mistaken": ("python fs_hepipe lgo typo",),
        "octets": (
            "set said=${url_decode(caf%E9)}",
            "python fs_hepipe log ${said}",
            "python fs_hepipe log the next line",
        ),
        "renamed": (reports, f"bridge [origination_uuid=${{create_uuid()}}]{echo}"),
        "bypass": (reports, "set bypass_media=true", f"bridge {echo}"),
        "loop": (reports, "bridge loopback/bridge/live"),
        "nogateway": ("bridge sofia/gateway/nosuch/123",),
        "warned": (
            f"log WARNING password={SECRET}",
            "set fs_hepipe_log_level=debug",
            f"set sip_auth_password={SECRET}",
            f"bridge {to.format('busy')}",
        ),
        "forging": (
            r"log ERR begin\n${sip_h_X-Forged} 2026-11-26 19:00:00.000000 95.00% [CRIT] sofia.c:1 forged",
            f"log ERR {'x' * 2100}",
            "log ERR behind it",
        ),
        # the far side
        "echo": ("answer", "echo"),
        "busy": ("respond 486",),
        "ring": ("ring_ready", "sleep 60000"),
        "caller": ("playback tone_stream://%(1000,0,440);loops=-1",),
    }
    text = "".join(extension(name, actions) for name, actions in extensions.items())
    return f'<include>\n<context name="live">\n{text}</context>\n</include>\n'


def extension(name: str, actions: tuple[str, ...]) -> str:
    lines = "".join(
        f'<action application="{application}" data="{data}"/>'
        for application, _, data in (action.partition(" ") for action in actions)
    )
    condition = f'<condition field="destination_number" expression="^{name}$">{lines}</condition>'
    return f'<extension name="{name}">{condition}</extension>\n'

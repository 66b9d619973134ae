"""`watch` and `report` as an operator runs them."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fs_hepipe.hep import Message, encode
from fs_hepipe.tools import main
from fs_hepipe.tools.demo import RECORDINGS
from fs_hepipe.tools.watch.guard import HEADERS
from tests.watching import Watch, story, wait_for, watching

TLS = Path(__file__).resolve().parents[1] / "data" / "tls"
TOKEN = "0123456789abcdef"
BUSY_A = "6e25a172-618b-1240-d1b8-96a756392f48"


def connected(address: str) -> socket.socket:
    host, _, port = address.partition(":")[2].rpartition(":")
    return socket.create_connection((host, int(port)), timeout=10)


def test_messages_come_over_udp_tcp_and_tls() -> None:
    datagrams = story("busy_486")
    listening = ("--tcp", "127.0.0.1:0", "--tls", "127.0.0.1:0", "--cert", str(TLS / "homer.pem"))
    with watching(*listening) as watch:
        watch.send(datagrams[:1])
        context = ssl.create_default_context(cafile=str(TLS / "ca.pem"))
        context.check_hostname = False
        with connected(watch.addresses[1]) as tcp:
            tcp.sendall(datagrams[1][:50])
            tcp.sendall(datagrams[1][50:] + datagrams[2])
        with connected(watch.addresses[2]) as plain, context.wrap_socket(plain) as tls:
            tls.sendall(datagrams[3])
        wait_for(lambda: watch.has(4))
        (row,) = watch.json("/api/calls")["rows"]
        assert (row["caller"], row["callee"], row["legs"], row["messages"]) == ("1003", "28486", 2, 4)
        with connected(watch.addresses[1]) as tcp:
            tcp.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert tcp.recv(10) == b""
        assert watch.json("/api/calls")["totals"]["garbage"] == 1
        status, said = watch.stop()
    assert (status, said) == (0, "4 messages, 1 that were not HEP\n")


@pytest.fixture
def watch() -> Iterator[Watch]:
    with watching() as found:
        found.send(story("busy_486"))
        wait_for(lambda: found.has(4))
        yield found


def test_every_answer_has_the_headers_and_nothing_else_is_found(watch: Watch) -> None:
    for path in ("/", "/page/app.js", "/api/calls", "/api/call?id=x", "/page/../server.py", "/page/%2e%2e/server.py",
                 "/page//etc/passwd", "/nothing", "/api/message?id=x&n=1", "/report?id=x"):  # fmt: skip
        status, headers, body = watch.get(path)
        assert {name: headers[name] for name in HEADERS} == HEADERS
        assert "server" not in headers
        assert status == (200 if path in {"/", "/page/app.js", "/api/calls"} else 404), path
        assert b"import asyncio" not in body


def test_a_page_of_somebody_else_gets_nothing(watch: Watch) -> None:
    assert watch.get("/api/calls", {"Host": "evil.example"})[0] == 421
    assert watch.get("/api/calls", method="POST")[0] == 405
    assert "access-control-allow-origin" not in watch.get("/api/calls", {"Origin": "http://evil.example"})[1]


def test_a_call_and_its_messages_are_json(watch: Watch) -> None:
    call = watch.json("/api/call", id=BUSY_A)
    assert [step["title"] for step in call["steps"]] == ["CREATE", "CREATE", "HANGUP COMPLETE", "HANGUP COMPLETE"]
    number = call["steps"][0]["n"]
    message = watch.json("/api/message", id=BUSY_A, n=str(number))
    assert message["payload"].startswith("CHANNEL_CREATE")
    assert [chunk[3] for chunk in message["chunks"]][-1] == 15


@pytest.mark.parametrize("query", ["limit=99999999999", "limit=-1", "limit=x", "q=%00%ff", f"q={'a' * 9000}"])
def test_odd_questions_are_answered(watch: Watch, query: str) -> None:
    status, _, body = watch.get(f"/api/calls?{query}")
    assert status == 200
    assert json.loads(body)["totals"]["calls"] == 1


def test_elsewhere_than_on_loopback_it_needs_a_token(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "--bind", "127.0.0.1:0", "--web", "0.0.0.0:0"]) == 2
    assert "give a --token" in capsys.readouterr().err
    with watching("--token", TOKEN, web="0.0.0.0:0".replace("0.0.0.0", "127.0.0.1")) as found:
        assert found.get("/api/calls")[0] == 401
        assert found.get("/api/calls", {"Authorization": f"Bearer {TOKEN}"})[0] == 200


@pytest.mark.parametrize("token", ["short", "0123456789abcde ", "@/nowhere", "x" * 20 + "\n"])
def test_a_token_that_is_none_is_refused_and_not_repeated(token: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "--token", token]) == 2
    assert token not in capsys.readouterr().err


def test_a_port_that_is_taken_is_an_error(watch: Watch, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "--bind", watch.hep, "--web", "127.0.0.1:0"]) == 1
    assert main(["watch", "--bind", "127.0.0.1:0", "--web", watch.web]) == 1
    assert capsys.readouterr().err.count("error: can't listen: Address already in use") == 2


def test_without_the_extra_it_says_what_is_missing_and_the_other_tools_work(tmp_path: Path) -> None:
    program = ("import sys\n"
               "for name in ('starlette', 'uvicorn', 'rich'): sys.modules[name] = None\n"
               "from fs_hepipe.tools import main\n"
               "sys.exit(main(sys.argv[1:]))")  # fmt: skip

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)

    done = run("watch")
    assert (done.returncode, done.stderr) == (
        1, "error: starlette, uvicorn not found: pip install 'fs_hepipe[tools]'\n",
    )  # fmt: skip
    file = tmp_path / "call.html"
    recording = str(RECORDINGS / "busy_486.jsonl.gz")
    for arguments in (["demo", "busy_486"], ["check"], ["report", recording, "-o", str(file)],
                      ["replay", recording, "--collector", "udp:127.0.0.1:9"]):  # fmt: skip
        done = run(*arguments)
        assert done.returncode in {0, 1}, arguments
        assert "Traceback" not in done.stderr
        assert done.stdout
    assert file.exists()


def test_the_demo_s_calls_are_played_into_it() -> None:
    with watching("--demo") as found:
        wait_for(lambda: found.has(3_000), 60)
        rows = found.json("/api/calls", limit="500")["rows"]
        assert {row["kind"] for row in rows} == {"call", "registration", "gateway"}


# --- report ---


def test_a_report_of_a_running_watch(watch: Watch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "call.html"
    assert main(["report", BUSY_A, "-o", str(file), "--watch", watch.url]) == 0
    assert BUSY_A in file.read_text(encoding="utf-8")
    assert main(["report", "unknown", "-o", str(tmp_path / "other"), "--watch", watch.url]) == 1
    assert "watch has no such call" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def test_a_report_of_hep_has_one_call_or_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hep, file = tmp_path / "calls.hep", tmp_path / "call.html"
    hep.write_bytes(b"".join([*story("busy_486"), *story("lossy_media")]))
    assert main(["report", str(hep), "-o", str(file)]) == 0
    whole = file.read_text(encoding="utf-8")
    assert BUSY_A in whole
    assert "13ed7d0a-618c-1240-d1b8-96a756392f48" in whole
    assert main(["report", str(hep), "-o", str(file), "--call", BUSY_A]) == 0
    assert "13ed7d0a-618c-1240-d1b8-96a756392f48" not in file.read_text(encoding="utf-8")
    assert main(["report", str(hep), "-o", str(file), "--call", "no"]) == 1
    assert "has no call no" in capsys.readouterr().err


def test_a_report_has_no_password_and_closes_no_element(tmp_path: Path) -> None:
    hep, file = tmp_path / "calls.hep", tmp_path / "call.html"
    sip = b'INVITE sip:x SIP/2.0\r\nCall-ID: c\r\nProxy-Authorization: Digest response="deadbeef"\r\n\r\n</script><b>'
    hep.write_bytes(encode(Message(1, sip, 1, "192.0.2.1", "192.0.2.2", auth_key="hunter2")))
    assert main(["report", str(hep), "-o", str(file)]) == 0
    text = file.read_text(encoding="utf-8")
    assert "deadbeef" not in text
    assert "hunter2" not in text
    assert text.count("</script>") == 3
    assert "<b>" not in text


@pytest.mark.parametrize("arguments", [["/nowhere/x", "-o", "y"], ["x", "-o", "/nowhere/y", "--watch", "ftp://x"],
                                       [str(RECORDINGS / "busy_486.jsonl.gz"), "-o", "/nowhere/y"]])  # fmt: skip
def test_a_report_that_can_not_be_made_says_why(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", *arguments]) == 1
    assert capsys.readouterr().err.startswith("error: ")

"""
A phone that registers: REGISTER over UDP, TCP, TLS, WebSocket or its secured form, from an address that it can tell.
"""

from __future__ import annotations

import base64
import os
import socket
import ssl
import struct
import uuid
from typing import Optional, Union

from .switch import Endpoint

ANSWER_S = 5.0
STREAMS = {"tcp", "tls", "ws", "wss"}


class Phone:
    """One connection to a switch, and one registration."""

    def __init__(self, transport: str, switch: Endpoint, contact: Optional[str] = None) -> None:
        self.transport = transport
        self.call_id = f"{uuid.uuid4()}@phone"
        family = socket.SOCK_STREAM if transport in STREAMS else socket.SOCK_DGRAM
        version = socket.AF_INET6 if ":" in switch[0] else socket.AF_INET
        self._socket: Union[socket.socket, ssl.SSLSocket] = socket.socket(version, family)
        self._socket.settimeout(ANSWER_S)
        self._socket.connect(switch)
        if transport in {"tls", "wss"}:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self._socket = context.wrap_socket(self._socket)
        if transport in {"ws", "wss"}:
            self._shake_hands(switch)
        ip, port = self._uri_address()
        said = "ws" if transport == "wss" else transport
        self._contact = contact or f"<sip:phone@{ip}:{port}" + (f";transport={said}>" if transport in STREAMS else ">")
        self._number = 0

    @property
    def address(self) -> Endpoint:
        ip, port = self._socket.getsockname()[:2]
        return str(ip), int(port)

    def register(self, expires: int = 60) -> str:
        """Registers, or unregisters with 0; gives the first line of the answer."""
        self._number += 1
        ip, port = self._uri_address()
        request = "\r\n".join([
            "REGISTER sip:live SIP/2.0",
            f"Via: SIP/2.0/{self.transport.upper()} {ip}:{port};rport;branch=z9hG4bK{uuid.uuid4().hex}",
            "Max-Forwards: 70",
            "From: <sip:phone@live>;tag=1",
            "To: <sip:phone@live>",
            f"Call-ID: {self.call_id}",
            f"CSeq: {self._number} REGISTER",
            f"Contact: {self._contact}",
            f"Expires: {expires}",
            "Content-Length: 0",
            "", "",
        ])  # fmt: skip
        self._socket.sendall(self._framed(request.encode()))
        return self._socket.recv(4096).partition(b"SIP/2.0 ")[2].partition(b"\r\n")[0].decode()

    def close(self) -> None:
        self._socket.close()

    def _uri_address(self) -> Endpoint:
        ip, port = self.address
        return (f"[{ip}]", port) if ":" in ip else (ip, port)

    def _shake_hands(self, switch: Endpoint) -> None:
        """RFC 6455 §4.1, with the subprotocol of RFC 7118."""
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(
            f"GET / HTTP/1.1\r\nHost: {switch[0]}:{switch[1]}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        answer = self._socket.recv(4096)
        assert b" 101 " in answer, answer

    def _framed(self, message: bytes) -> bytes:
        """RFC 6455 §5.2: one text frame, masked with zeros."""
        if self.transport not in {"ws", "wss"}:
            return message
        return struct.pack("!BBHI", 0x81, 0x80 | 126, len(message), 0) + message

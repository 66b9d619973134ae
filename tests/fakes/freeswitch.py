"""
The module `freeswitch` as mod_python3 gives it, vices included, without a switch; and `switch`, which plays the switch.

Rules:
1. A name without underscore exists in the real module too, except `switch` and the classes that only it hands out.
2. The real module is right: what both promise is asserted on both by tests/contract/contract.py.
3. What would hang or crash a real switch is refused: AssertionError, and a fault that the next `join` or `reset` raises
   again, because a guard in the code under test may have swallowed the first.
4. A string with lone surrogates stands for bytes that are no UTF-8, as SWIG hands them out. Handed in, to any function,
   it ends the process by SIGSEGV, as it ends a switch of the release that this one plays: no guard can hide that.
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import re
import signal
import sys
import threading
import time
import traceback
import weakref
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Callable, NamedTuple, NoReturn, Optional, Union

Record = Mapping[str, Union[str, Sequence[str]]]
"""A recorded event: header -> value, or the list of values of an array header; `_body` is the body."""

Answer = Union[str, Callable[[str], str]]
"""What an API command answers: a text, or a function of its argument."""

RELEASE = "1.10.12"
"""Of the two releases that the contract is held on, the one that forgives less."""

EVENT_NAMES = frozenset(  # switch_event.c:EVENT_NAMES, all of them
    re.findall(
        r"\w+",
        """
        CUSTOM CLONE CHANNEL_CREATE CHANNEL_DESTROY CHANNEL_STATE CHANNEL_CALLSTATE CHANNEL_ANSWER CHANNEL_HANGUP
        CHANNEL_HANGUP_COMPLETE CHANNEL_EXECUTE CHANNEL_EXECUTE_COMPLETE CHANNEL_HOLD CHANNEL_UNHOLD CHANNEL_BRIDGE
        CHANNEL_UNBRIDGE CHANNEL_PROGRESS CHANNEL_PROGRESS_MEDIA CHANNEL_OUTGOING CHANNEL_PARK CHANNEL_UNPARK
        CHANNEL_APPLICATION CHANNEL_ORIGINATE CHANNEL_UUID API LOG INBOUND_CHAN OUTBOUND_CHAN STARTUP SHUTDOWN PUBLISH
        UNPUBLISH TALK NOTALK SESSION_CRASH MODULE_LOAD MODULE_UNLOAD DTMF MESSAGE PRESENCE_IN NOTIFY_IN PRESENCE_OUT
        PRESENCE_PROBE MESSAGE_WAITING MESSAGE_QUERY ROSTER CODEC BACKGROUND_JOB DETECTED_SPEECH DETECTED_TONE
        PRIVATE_COMMAND HEARTBEAT TRAP ADD_SCHEDULE DEL_SCHEDULE EXE_SCHEDULE RE_SCHEDULE RELOADXML NOTIFY PHONE_FEATURE
        PHONE_FEATURE_SUBSCRIBE SEND_MESSAGE RECV_MESSAGE REQUEST_PARAMS CHANNEL_DATA GENERAL COMMAND SESSION_HEARTBEAT
        CLIENT_DISCONNECTED SERVER_DISCONNECTED SEND_INFO RECV_INFO RECV_RTCP_MESSAGE SEND_RTCP_MESSAGE CALL_SECURE NAT
        RECORD_START RECORD_STOP PLAYBACK_START PLAYBACK_STOP CALL_UPDATE FAILURE SOCKET_DATA MEDIA_BUG_START
        MEDIA_BUG_STOP CONFERENCE_DATA_QUERY CONFERENCE_DATA CALL_SETUP_REQ CALL_SETUP_RESULT CALL_DETAIL DEVICE_STATE
        TEXT SHUTDOWN_REQUESTED ALL
        """,
    )
)
UNIQUE_HEADERS = {"REQUEST_PARAMS", "CHANNEL_DATA", "MESSAGE"}  # of these a repeated header replaces the first
NAME_PREFIX = len("SWITCH_EVENT_")  # so many characters, whichever they are, may stand before an event's name
LOG_LEVELS = ("console", "alert", "crit", "err", "warning", "notice", "info", "debug")  # switch_log.c:LEVELS
STACK_SIZE = 240 * 1024  # octets, of every FreeSWITCH thread (SWITCH_THREAD_STACKSIZE)
CLOCK_STEP = 20_000  # µs: events fired within one step carry the same Event-Date-Timestamp
INT_MAX = 2**31 - 1
WHITESPACE = " \t\n\v\r"  # what switch_utils.c:switch_strip_whitespace strips
ESCAPES = {"'": "'", '"': '"', "\\": "\\", "n": "\n", "r": "\r", "t": "\t", "s": " "}
URL_UNSAFE = re.compile(rb'%(?![0-9A-F]{2})|[\0- #&+:;<=>?@\[\\\]^`{|}"\x7f-\xff]')  # "%41" is left as it is


# --- what Python sees ------------------------------------------------------------------------------------------------


def consoleLog(level_str: Optional[str], msg: Optional[str]) -> None:
    """Write to the log; a level that is none (`error`!) counts as debug."""
    level = (_text(level_str) or "").lower()
    if level.isdigit():
        level = LOG_LEVELS[min(int(level), len(LOG_LEVELS) - 1)]
    switch.log.append(LogLine(level if level in LOG_LEVELS else "debug", _text(msg) or ""))


class Event:
    """An event: headers in order, names may repeat; `Event("json", text)` takes all of them from a JSON object."""

    _body: Optional[str] = None
    _mine = True

    def __init__(self, type_: str, subclass: Optional[str] = None, /) -> None:
        self._keys: list[str] = []  # lower-case names, searched one after the other
        self._headers: list[tuple[str, tuple[str, ...]]] = []
        kind, self._subclass = _text(type_) or "", _text(subclass)
        if kind.lower() == "json" and self._subclass:
            try:
                self._read(json.loads(self._subclass))
            except ValueError:
                _refuse("an event made of broken JSON is a wild pointer")
            self._kind, self._subclass = _event_name(self.getHeader("Event-Name") or "") or "CUSTOM", None
            return
        self._kind = _event_name(kind) or "MESSAGE"
        if self._subclass == "" and self._kind != "CUSTOM":
            _refuse("an event with an empty subclass does not exist: its getType() is 'invalid'")
        if self._subclass and self._kind != "CUSTOM":
            consoleLog("warning", "a subclass makes every event CUSTOM\n")
            self._kind = "CUSTOM"
        self._stamp()

    @property
    def this(self) -> Event:
        """What the functions in C know it by (SWIG)."""
        return self

    def getHeader(self, header_name: Optional[str]) -> Optional[str]:
        """The first header of that name, whatever its case; None when there is none."""
        name = _text(header_name)
        if not name:
            consoleLog("err", "getHeader without a name\n")
            return None
        try:
            return _value(self._headers[self._keys.index(name.lower())][1])
        except ValueError:
            return self._body if name == "_body" else None

    def getType(self) -> str:
        return self._kind

    def getBody(self) -> Optional[str]:
        return self._body

    def addBody(self, value: Optional[str]) -> bool:
        text = _text(value)
        self._body = "(null)" if text is None else text
        return True

    def addHeader(self, header_name: str, value: Optional[str]) -> bool:
        """Append a header; an empty value removes it instead, `ARRAY::a|:b` makes or prolongs an array."""
        name, text = _text(header_name), _text(value)
        if text is None:
            return False
        if name is None or "[" in name:
            _refuse("addHeader(None, ...) crashes the switch; array indices are not in the fake")
        if name == "_body":
            self._body = text
        if not text or self._kind in UNIQUE_HEADERS:
            self.delHeader(name)
        if text.startswith("ARRAY::"):
            self._extend(name, text[7:].split("|:") if text[7:] else [])
        elif text:
            self._append(name, (text,))
        return True

    def delHeader(self, header_name: Optional[str]) -> bool:
        key = (_text(header_name) or "").lower()
        found = key in self._keys
        while key in self._keys:
            index = self._keys.index(key)
            del self._keys[index], self._headers[index]
        return found

    def serialize(self, format: Optional[str] = None) -> str:
        """Text with URL-encoded values (not a `%` that already looks encoded), or with "json" one JSON object."""
        kind, body = (_text(format) or "").lower(), self._body
        if kind in ("xml", "plain"):
            _refuse(f"serialize({kind!r}) is not in the fake")
        length = str(len((body or "").encode(errors="surrogateescape")))
        if kind == "json":
            pairs: list[tuple[str, object]] = [(name, list(v) if _is_array(v) else v[0]) for name, v in self._headers]
            if body is not None:
                pairs += [("Content-Length", length), ("_body", body)]
            return "{" + ",".join(f"{_json(name)}:{_json(value)}" for name, value in pairs) + "}"
        lines = [f"{name}: {_url_encode(_value(v)) or '_undef_'}\n" for name, v in self._headers]
        return "".join(lines) + (f"Content-Length: {length}\n\n{body}" if body else "\n")

    def fire(self) -> bool:
        """Hand a copy to every consumer bound to it; False for an event that belongs to the switch (`env`)."""
        if not self._mine:
            consoleLog("err", "fire: not an event of this script\n")
            return False
        switch.deliver(self)
        return True

    def _stamp(self) -> None:
        """The headers that switch_event.c:switch_event_prep_for_delivery_detailed gives every event."""
        now = time.time_ns() // 1000 // CLOCK_STEP * CLOCK_STEP
        local, gmt = time.localtime(now // 1_000_000), time.gmtime(now // 1_000_000)
        self._read(
            {
                "Event-Name": self._kind,
                "Core-UUID": "5ba7fa1e-0000-4000-8000-000000000001",
                "FreeSWITCH-Hostname": switch.hostname,
                "FreeSWITCH-Switchname": switch.name,
                "FreeSWITCH-IPv4": switch.variables["local_ip_v4"],
                "FreeSWITCH-IPv6": switch.variables["local_ip_v6"],
                "Event-Date-Local": time.strftime("%Y-%m-%d %H:%M:%S", local),
                "Event-Date-GMT": time.strftime("%a, %d %b %Y %H:%M:%S GMT", gmt),
                "Event-Date-Timestamp": str(now),
                "Event-Calling-File": "switch_cpp.cpp",
                "Event-Calling-Function": "Event",
                "Event-Calling-Line-Number": "1",
                "Event-Sequence": str(switch.next_sequence()),
                "Event-Subclass": self._subclass or "",
            }
        )

    def _read(self, record: Record) -> None:
        for name, value in record.items():
            if name == "_body":
                self._body = str(value)
            elif isinstance(value, (list, tuple)):
                self._extend(name, value)
            elif isinstance(value, str) and value:
                self._append(name, (value,))

    def _append(self, name: str, values: tuple[str, ...]) -> None:
        self._keys.append(name.lower())
        self._headers.append((name, values))

    def _extend(self, name: str, values: Sequence[str]) -> None:
        """Add the values of an array header; one alone reads like a plain header, but stays an array in JSON."""
        if values and name.lower() in self._keys:
            index = self._keys.index(name.lower())
            name, before = self._headers[index]
            self._headers[index] = (name, _Array((*before, *values)))
        elif values:
            self._append(name, _Array(values))

    def _copy(self) -> Event:
        """A copy as switch_event.c:switch_event_dup makes it: Event-Subclass comes first."""
        copy = Event.__new__(Event)
        copy._kind, copy._subclass, copy._body = self._kind, self._subclass, self._body
        copy._keys, copy._headers = self._keys[:], self._headers[:]
        if self._subclass:
            copy.delHeader("Event-Subclass")
            copy._keys.insert(0, "event-subclass")
            copy._headers.insert(0, ("Event-Subclass", (self._subclass,)))
        return copy


class _freeswitch:  # noqa: N801  the real one's name
    """The functions in C that the classes here call (SWIG); those that we call ourselves."""

    Event_getHeader = staticmethod(Event.getHeader)


class EventConsumer:
    """A bounded queue of the events it is bound to; bound twice, it gets them twice."""

    def __init__(self, event: Optional[str] = None, subclass: Optional[str] = "", len_: int = 5000, /) -> None:
        self._capacity = _int(len_)
        self._queue: deque[Event] = deque()
        self._bindings: list[tuple[str, Optional[str]]] = []
        self._ready = True
        self._changed = threading.Condition()
        switch.plug(self)
        if _text(event):
            self.bind(event, subclass)

    def bind(self, event: Optional[str], subclass: Optional[str] = "", /) -> int:
        """1, or 0 for an unknown name, a dead consumer, or more bindings than there are event names."""
        wanted, sub = _text(event), _text(subclass) or None
        if not self._ready:
            return 0
        if wanted is None:
            _refuse("bind(None) crashes the switch")
        name = _event_name(wanted)
        if name is None:
            consoleLog("warning", f"bind: there is no event {wanted}\n")
            return 0
        if len(self._bindings) == len(EVENT_NAMES):
            consoleLog("err", f"bind: no room for {wanted}\n")
            return 0
        self._bindings.append((name, sub))
        return 1

    def pop(self, block: int = 0, timeout: int = 0) -> Optional[Event]:
        """The oldest event, or None: pop() looks, pop(1, ms) waits so long; without ms it would wait for ever."""
        block, timeout = _int(block), _int(timeout)
        with self._changed:
            if self._ready and block:
                if timeout <= 0:
                    _refuse(f"pop({block}, {timeout}) waits for ever")
                self._changed.wait_for(lambda: self._queue or not self._ready, timeout / 1000)
            return self._queue.popleft() if self._queue else None

    def cleanup(self) -> None:
        """Unbind and empty it; it is dead from now on."""
        with self._changed:
            self._ready = False
            self._bindings.clear()
            self._queue.clear()
            self._changed.notify_all()

    def _offer(self, event: Event) -> None:
        with self._changed:
            for name, subclass in self._bindings:
                if name not in ("ALL", event._kind) or subclass not in (None, event._subclass):
                    continue
                if len(self._queue) >= self._capacity:
                    consoleLog("err", "event queue full, the event is dropped\n")
                else:
                    self._queue.append(event._copy())
                    self._changed.notify()


class API:
    """The commands of fs_cli."""

    def __init__(self, session: Optional[Session] = None, /) -> None:
        self._session = session

    def execute(self, command: Optional[str], data: Optional[str] = None) -> str:
        return switch.execute(_text(command) or None, _text(data) or "")

    def executeString(self, command: Optional[str]) -> str:
        """The command is what stands before the first blank, even if that is nothing."""
        text = _text(command) or ""
        name, _, argument = text.partition(" ")
        return switch.execute(name if text else None, argument)

    def getTime(self) -> str:
        return str(time.time_ns() // 1_000_000)


class Stream:
    """Where `fsapi` writes its answer."""

    def __init__(self) -> None:
        self._text = ""

    def write(self, data: Optional[str]) -> None:
        self._text += _text(data) or ""

    def get_data(self) -> str:
        return self._text


class Session:
    """A living leg as `handler` gets it; names of variables ignore case."""

    def __init__(self, uuid: str, variables: Optional[Mapping[str, str]] = None, /) -> None:
        self._uuid = uuid
        self._variables = {name.lower(): value for name, value in (variables or {}).items()}

    def get_uuid(self) -> str:
        return self._uuid

    def getVariable(self, var: str) -> Optional[str]:
        return self._variables.get((_text(var) or "").lower())

    def setVariable(self, var: str, val: Optional[str]) -> None:
        self._variables[(_text(var) or "").lower()] = _text(val) or ""
        self._variables = {name: value for name, value in self._variables.items() if value}


# --- the switch behind it --------------------------------------------------------------------------------------------


class LogLine(NamedTuple):
    """One line of the switch's log."""

    level: str
    text: str


class Switch:
    """FreeSWITCH, as far as a test needs it: it fires events, calls entry points and answers API commands."""

    def __init__(self) -> None:
        self._runtimes: list[threading.Thread] = []
        self.faults: list[str] = []
        """What was refused, or left a `runtime`, since the last `join` or `reset`."""
        self.log: list[LogLine] = []
        """What was logged, oldest first."""
        self.reset()

    def reset(self, patience: float = 5.0) -> None:
        """A new switch; AssertionError, after that, for faults and for a `runtime` that still runs in `patience` s."""
        try:
            self.join(patience)
        finally:
            self.log.clear()
            self.name = "fake-switch"
            self.hostname = "fake-host"
            self.variables = {"hostname": self.hostname, "local_ip_v4": "192.0.2.1", "local_ip_v6": "2001:db8::1"}
            self.channels: dict[str, Record] = {}
            """The living channels: uuid -> the headers that `uuid_dump` shows."""
            self.answers: dict[str, Answer] = {}
            """Answers to API commands (lower case) beside, or instead of, the built-in ones."""
            self.commands_loaded = True
            """False: mod_commands is not loaded yet, as for a startup-script it may be."""
            self._files: dict[str, str] = {}
            self._configuration: dict[str, str] = {}
            self._consumers: weakref.WeakSet[EventConsumer] = weakref.WeakSet()
            self._plugged = threading.Lock()
            self._sequence = itertools.count(1)

    def join(self, patience: float = 5.0) -> None:
        """Wait until every `runtime` has returned; AssertionError for those that have not, and for faults."""
        deadline = time.monotonic() + patience
        for thread in self._runtimes:
            thread.join(max(0.0, deadline - time.monotonic()))
        faults = self.faults + [f"{thread.name} still runs" for thread in self._runtimes if thread.is_alive()]
        self.faults, self._runtimes = [], []
        if faults:
            raise AssertionError("; ".join(faults))

    # - configuration and events

    def configure(self, name: str, xml: str, *, reload: bool = True) -> None:
        """Write the `<configuration>` element of `name`; without `reload` only `reloadxml` makes it seen."""
        self._files[name] = xml
        if reload:
            self._configuration = dict(self._files)

    def fire(self, *records: Record) -> None:
        """Fire recorded events; they keep their own time, sequence and switch name."""
        for record in records:
            event = Event("json", "{}")
            event._read({name: value for name, value in record.items() if name != "Content-Length"})
            event._kind = _event_name(str(record["Event-Name"])) or _refuse(f"no event {record['Event-Name']}")
            event._subclass = event.getHeader("Event-Subclass")
            self.deliver(event)

    def deliver(self, event: Event) -> None:
        """Offer an event to every consumer, in this thread: on return they have it, with a real switch later."""
        with self._plugged:
            consumers = list(self._consumers)
        for consumer in consumers:
            consumer._offer(event)

    def shutdown(self, hangups: Iterable[Record] = (), *, delay: float = 0.015, patience: float = 5.0) -> None:
        """SHUTDOWN, `delay` s later what its hangups fire, then every `runtime` must return by itself."""
        Event("SHUTDOWN").fire()
        time.sleep(delay)
        self.fire(*hangups)
        self.join(patience)

    # - the entry points

    def python(self, command: str) -> str:
        """`python MODULE ARGS` in fs_cli: what `fsapi` wrote."""
        command = command.strip(WHITESPACE)
        stream, env = Stream(), _api_event("python", command)
        env._mine = False
        self._call(command, "fsapi", "na", stream, env)
        self.deliver(env)
        return stream.get_data()

    def dialplan(self, data: str, session: Session) -> None:
        """The application `python` in the dialplan; `data` is MODULE ARGS."""
        self._call(data, "handler", session)

    def startup_script(self, value: str) -> threading.Thread:
        """The `startup-script` of python.conf, or `pyrun`: `runtime` in a thread of its own."""

        def run() -> None:
            try:
                self._call(value, "runtime")
            except AssertionError as fault:
                cause = fault.__cause__  # its text may be 100 kB, or raise in turn
                where = "".join(traceback.format_tb(cause.__traceback__)[-1:]) if cause else ""
                self.faults.append(f"{fault}: {type(cause).__name__}\n{where}")

        thread = threading.Thread(target=run, name=f"runtime of {value}", daemon=True)
        with _stack_size:
            before = threading.stack_size(STACK_SIZE)
            try:
                thread.start()
            finally:
                threading.stack_size(before)
        self._runtimes.append(thread)
        return thread

    def _call(self, command: str, entry_point: str, *arguments: object) -> None:
        """Reload the named module, not its sub-modules, and call its entry point (or MODULE::FUNCTION)."""
        name, _, rest = command.partition(" ")
        name, _, other = name.partition("::")
        try:
            module = importlib.reload(importlib.import_module(name))
            getattr(module, other or entry_point)(*arguments, _unquote(rest.lstrip(" ")))
        except SystemExit:
            pass  # mod_python3 takes it for a normal end
        except BaseException as error:
            raise AssertionError(f"an exception left {name}.{other or entry_point}") from error

    # - API commands

    def execute(self, command: Optional[str], argument: str) -> str:
        """The answer to one API command; each is an event of its own."""
        if command is None:
            consoleLog("err", "API: no command\n")
            return "-ERR No application specified"
        command, argument = command.strip(WHITESPACE), argument.strip(WHITESPACE)
        event, command = _api_event(command, argument), command.lower()
        answer: Answer = "INVALID COMMAND!\n"
        if self.commands_loaded or command in ("pyrun", "python"):
            answer = self.answers.get(command, getattr(self, f"_api_{command}", answer))
        text = answer(argument) if callable(answer) else answer
        self.deliver(event)
        return text

    def _api_echo(self, argument: str) -> str:
        return argument

    def _api_switchname(self, _: str) -> str:
        return self.name

    def _api_hostname(self, _: str) -> str:
        return self.hostname

    def _api_version(self, argument: str) -> str:
        full = f"FreeSWITCH Version {RELEASE}-release~64bit ( 64bit)\n"
        return f"{RELEASE}-release\n" if argument == "short" else full

    def _api_global_getvar(self, name: str) -> str:
        return self.variables.get(name, "") if name else "".join(f"{k}={v}\n" for k, v in self.variables.items())

    def _api_url_decode(self, argument: str) -> str:
        raw = argument.encode(errors="surrogateescape")
        raw = re.sub(rb"%([0-9A-Fa-f]{2})", lambda match: bytes.fromhex(match[1].decode()), raw)
        return raw.split(b"\0")[0].decode(errors="surrogateescape")

    def _api_xml_locate(self, argument: str) -> str:
        words = argument.split()
        if len(words) != 4:
            return "-ERR bad args\n"
        found = self._configuration.get(words[3]) if words[:3] == ["configuration", "configuration", "name"] else None
        return found or "can't find anything\n"

    def _api_reloadxml(self, _: str) -> str:
        self._configuration = dict(self._files)
        Event("RELOADXML").fire()
        return "+OK [Success]\n"

    def _api_show(self, argument: str) -> str:
        if argument.split() != ["channels", "as", "json"]:
            _refuse(f"show {argument} is not in the fake")
        if not self.channels:
            return '{"row_count": 0}\n'
        keys = {"direction": "Call-Direction", "name": "Channel-Name", "state": "Channel-State"}
        rows = [
            {"uuid": uuid, **{key: channel.get(header, "") for key, header in keys.items()}}
            for uuid, channel in self.channels.items()
        ]
        return _json({"row_count": len(rows), "rows": rows})

    def _api_uuid_dump(self, argument: str) -> str:
        uuid, _, form = argument.partition(" ")
        uuid = _unquote(uuid)  # switch_utils.c:switch_separate_string
        if not uuid:
            return "-USAGE: <uuid> [format]\n"
        if uuid not in self.channels:
            return "-ERR No such channel!\n"
        event = Event("CHANNEL_DATA")
        event._read(self.channels[uuid])
        return event.serialize(form.strip())

    def _api_uuid_getvar(self, argument: str) -> str:
        words = argument.split()
        if len(words) < 2:
            return "-USAGE: <uuid> <var>\n"
        if words[0] not in self.channels:
            return "-ERR No such channel!\n"
        channel = Event("json", "{}")
        channel._read(self.channels[words[0]])
        return channel.getHeader(f"variable_{words[1]}") or "_undef_"

    def _api_uuid_set_media_stats(self, uuid: str) -> str:
        if not uuid:
            return "-USAGE: <uuid>\n"
        return "+OK:\n" if uuid in self.channels else f"-ERR No such channel {uuid}!\n"

    def _api_pyrun(self, argument: str) -> str:
        if not argument:
            return "USAGE: \n"
        self.startup_script(argument)
        return "OK\n"

    def _api_python(self, argument: str) -> str:
        _refuse(f"the API command 'python {argument}' from Python waits for the GIL that it holds, for ever")

    # - what the module above asks of it

    def plug(self, consumer: EventConsumer) -> None:
        """Remember a consumer as long as it lives."""
        with self._plugged:
            self._consumers.add(consumer)

    def next_sequence(self) -> int:
        """The next Event-Sequence."""
        return next(self._sequence)


# --- helpers ---------------------------------------------------------------------------------------------------------


class _Array(tuple[str, ...]):
    """The values of an array header, even when it is only one."""

    __slots__ = ()


def _is_array(values: tuple[str, ...]) -> bool:
    return isinstance(values, _Array)


def _value(values: tuple[str, ...]) -> str:
    return values[0] if len(values) == 1 else "ARRAY::" + "|:".join(values)


def _refuse(reason: str) -> NoReturn:
    switch.faults.append(reason)
    raise AssertionError(reason)


def _text(value: Optional[str]) -> Optional[str]:
    """A string as C gets it: no lone surrogates, no other type, cut at the first NUL; None is the NULL pointer."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"argument of type 'char *' expected, not {value!a:.40}")
    try:
        value.encode()
    except UnicodeEncodeError:
        _die(f"a surrogate went into the switch: {value!a:.200}")
    return value.partition("\0")[0]


def _die(reason: str) -> NoReturn:
    """Ends the process as a fault in C does; the reason and who is to blame stand on stderr."""
    sys.stderr.write(f"{reason}\n{''.join(traceback.format_stack())}")
    sys.stderr.flush()
    os.kill(os.getpid(), signal.SIGSEGV)
    raise AssertionError("unreachable")


def _int(value: int) -> int:
    if not isinstance(value, int):
        raise TypeError(f"argument of type 'int' expected, not {value!a:.40}")
    if not -INT_MAX - 1 <= value <= INT_MAX:
        raise OverflowError("argument of type 'int' expected")
    return value


def _event_name(name: str) -> Optional[str]:
    """The event name that is meant (case is ignored, any prefix as long as SWITCH_EVENT_ too), or None."""
    for candidate in (name.upper(), name[NAME_PREFIX:].upper()):
        if candidate in EVENT_NAMES:
            return candidate
    return None


def _api_event(command: str, argument: str) -> Event:
    event = Event("API")
    event._read({"API-Command": command, "API-Command-Argument": argument})
    return event


def _unquote(text: str) -> str:
    r"""What cleanup_separated_string (switch_utils.c) does: 'quotes' go, \n \t \s \\ \' \" become characters."""
    out: list[str] = []
    end, quoted, position = 0, False, 0
    while position < len(text):
        char, rest = text[position], text[position + 1 :]
        position += 1
        if char == "\\" and rest[:1] in ESCAPES:
            out.append(ESCAPES[rest[0]])
            position += 1
            end = len(out)
        elif char == "'" and (quoted or "'" in rest):
            quoted = not quoted
        else:
            out.append(char)
            if char != " " or quoted:
                end = len(out)
    return "".join(out[:end])


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _url_encode(text: str) -> str:
    raw = text.encode(errors="surrogateescape")
    return URL_UNSAFE.sub(lambda match: b"%%%02X" % match[0][0], raw).decode()


_stack_size = threading.Lock()  # threading.stack_size() is the whole process's
switch = Switch()

"""Logs: one JSON line for each event of interest, on standard error, without personal data.

A person at a terminal gets short lines instead, and only of what may need attention.
"""

from __future__ import annotations

import logging
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, Final, Literal, TextIO, assert_never

import msgspec

from supervisors.engine.events import BackingOff, Event, Failed, GaveUp, LoopHeld, Started, Stopped, StopTimedOut
from vts.model.faults import Outage

_encoder = msgspec.json.Encoder()
_PLAIN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """`{"at", "level", "logger", "message", …}`; extra fields as given, an exception as where it was raised.

    Of an exception only the type and the places are written: its text may hold what a client sent.
    """

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        """Return one line; newlines and control characters of any field are escaped by JSON."""
        line: dict[str, Any] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= _extra(record)
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = places_of(record.exc_info[1])
        return _encoder.encode(line).decode()


class ShortLines(logging.Formatter):
    """`14:03:22 warning: drain failed: kind=outage, said=…`, in local time, for a person at a terminal.

    As in `JsonLines`, of an exception only its type and its last place are written.
    """

    converter = staticmethod(time.localtime)

    def format(self, record: logging.LogRecord) -> str:
        """Return one line; control characters, which a terminal would execute, are escaped."""
        extra = _extra(record)
        actor = f"{extra.pop('actor')} " if "actor" in extra else ""
        fields = [f"{name}={value}" for name, value in extra.items() if value != ""]
        if record.exc_info and (error := record.exc_info[1]) is not None:
            kind, *places = places_of(error)
            fields.append(f"{kind} at {places[-1]}" if places else kind)
        text = f"{actor}{record.getMessage()}" + (f": {', '.join(fields)}" if fields else "")
        line = f"{self.formatTime(record, '%H:%M:%S')} {record.levelname.lower()}: {text}"
        return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in line)


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in record.__dict__.items() if name not in _PLAIN}


def places_of(error: BaseException) -> list[str]:
    """Return the type of an exception and the places it came through, groups taken apart."""
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    places = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    return [type(error).__name__, *places, *(line for part in inner for line in places_of(part))]


def install(level: str = "info", form: Literal["auto", "json"] = "auto", stream: TextIO | None = None) -> None:
    """Send every log of the process from this level on to a stream, standard error by default, as JSON lines.

    With "auto" a stream that is a terminal gets short lines, of warnings and errors only.
    """
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    if form == "auto" and stream.isatty():
        handler.setFormatter(ShortLines())
        handler.setLevel(logging.WARNING)  # of the handler: SIGHUP sets the level of the root
    else:
        handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)


def set_level(level: str) -> None:
    """Set the lowest level that is written."""
    logging.getLogger().setLevel(level.upper())


_log = logging.getLogger("vts.supervision")
REPEATED_EVERY_S: Final = 30.0  # an outage of the database makes eight actors try again every 2 s


class EventLog:
    """Writes the events of supervision. A lasting outage of an actor is written every half minute, not at every try."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._written: dict[str, tuple[str, float]] = {}
        self._again: set[str] = set()

    def __call__(self, event: Event) -> None:
        """Write one event, unless it is one more try in an outage that is known."""
        match event:
            case Failed(name, error, False):
                what, at_s = f"{type(error).__name__} {error}", self._clock_s()
                written = self._written.get(name)
                if written is not None and written[0] == what and at_s - written[1] < REPEATED_EVERY_S:
                    self._again.add(name)
                    return
                self._written[name] = what, at_s
                self._again.discard(name)
            case Started(name) | BackingOff(name, _) if name in self._again:
                return
            case _:
                pass
        _write(event)


def _write(event: Event) -> None:
    match event:
        case Started(name) | Stopped(name):
            _log.info("%s", type(event).__name__.lower(), extra={"actor": name})
        case Failed(name, error, counted):
            level = logging.ERROR if counted else logging.WARNING
            said = str(error) if isinstance(error, Outage) else ""
            extra = {"actor": name, "kind": "bug" if counted else "outage", "said": said}
            _log.log(level, "failed", extra=extra, exc_info=error)
        case BackingOff(name, after_s):
            _log.info("starts again", extra={"actor": name, "after_s": round(after_s, 3)})
        case GaveUp(name, child):
            _log.error("gave up", extra={"actor": name, "child": child})
        case StopTimedOut(name, grace_s):
            _log.warning("overstayed its grace", extra={"actor": name, "grace_s": grace_s})
        case LoopHeld(task, held_ms, where):
            _log.warning("held the loop", extra={"task": task, "held_ms": round(held_ms), "where": where})
        case _:
            assert_never(event)

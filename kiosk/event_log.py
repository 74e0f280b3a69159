"""Where events go: one JSON line each. A value that is not plain is a bug, not a string."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, TextIO

from kiosk.events import LogLinesLost

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from devices.values import Clock
    from kiosk.events import Event

PLAIN = (str, int, float, bool, type(None))


class EventLog:
    """Writes events as JSON lines and tells listeners. Refuses personal values by type."""

    def __init__(self, clock: Clock, stream: TextIO) -> None:
        self._clock = clock
        self._stream = stream
        self._lost = 0  # lines since the last that got through
        self._listeners: list[Callable[[Event], None]] = []

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Call ``listener`` with every event from now on."""
        self._listeners.append(listener)

    def emit(self, event: Event) -> None:
        """Write one event. Raises ``TypeError`` when a field is not a plain value (a ``Pii`` is not).

        A full disk or a closed pipe costs lines, never the terminal: a resident's case may be stored and the slip not
        yet printed. The next line that gets through says how many.
        """
        line = self._line(event)
        if self._lost:
            line = self._line(LogLinesLost(lines=self._lost)) + line
        try:
            self._stream.write(line)
            self._stream.flush()
        except (OSError, ValueError):  # ValueError: the stream is closed
            self._lost += 1
        else:
            self._lost = 0
        for listener in self._listeners:
            listener(event)

    def _line(self, event: Event) -> str:
        return json.dumps(record(event, self._clock.now()), ensure_ascii=False) + "\n"


def record(event: Event, at: datetime) -> dict[str, object]:
    """Return an event as plain values: time, name, fields. Raises ``TypeError`` for a field that is not plain."""
    found: dict[str, object] = {"at": at.isoformat(timespec="milliseconds"), "event": type(event).__name__}
    for field in dataclasses.fields(event):
        value = getattr(event, field.name)
        parts = value if isinstance(value, tuple) else (value,)
        if not all(isinstance(part, PLAIN) for part in parts):
            raise TypeError(f"{type(event).__name__}.{field.name} is not a plain value")
        found[field.name] = value
    return found

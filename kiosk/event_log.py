"""Where events go: one JSON line each. A value that is not plain is a bug, not a string."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.values import Clock
    from kiosk.events import Event

PLAIN = (str, int, float, bool, type(None))


class EventLog:
    """Writes events as JSON lines and tells listeners. Refuses personal values by type."""

    def __init__(self, clock: Clock, stream: TextIO) -> None:
        self._clock = clock
        self._stream = stream
        self._listeners: list[Callable[[Event], None]] = []

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Call ``listener`` with every event from now on."""
        self._listeners.append(listener)

    def emit(self, event: Event) -> None:
        """Write one event. Raises ``TypeError`` when a field is not a plain value (a ``Pii`` is not)."""
        record: dict[str, object] = {
            "at": self._clock.now().isoformat(timespec="milliseconds"),
            "event": type(event).__name__,
        }
        for field in dataclasses.fields(event):
            value = getattr(event, field.name)
            parts = value if isinstance(value, tuple) else (value,)
            if not all(isinstance(part, PLAIN) for part in parts):
                raise TypeError(f"{type(event).__name__}.{field.name} is not a plain value")
            record[field.name] = value
        self._stream.write(json.dumps(record, ensure_ascii=False) + "\n")
        self._stream.flush()
        for listener in self._listeners:
            listener(event)

"""What turned between two looks at a board's contacts. No bytes, no time of its own."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from devices.sensors import Sensor, SensorChange

if TYPE_CHECKING:
    from collections.abc import Mapping

COUNTER_STEPS: Final = 0x10000  # of a 16-bit register, or of the low word of a longer one
MOST_PRESSES: Final = 32  # between two looks; beyond it the contact chatters, or the board lost its count in a restart

_log = logging.getLogger(__name__)


class Edges:
    """Follows contacts from look to look.

    A contact with a counter of its closings is told with every press, however short. One without is told as it stands,
    once it has stood so for ``debounce_s``: what comes and goes between two looks is not seen.
    """

    def __init__(self, contacts: Mapping[Sensor, bool], counts: Mapping[Sensor, int], debounce_s: float) -> None:
        self._contacts = dict(contacts)
        self._counts = dict(counts)
        self._debounce_s = debounce_s
        self._turned_at: dict[Sensor, float] = {}  # of contacts that do not stand as told, and are not believed yet

    @property
    def contacts(self) -> Mapping[Sensor, bool]:
        """Return what has been told: whether each contact is closed."""
        return dict(self._contacts)

    def same(self, contacts: Mapping[Sensor, bool], counts: Mapping[Sensor, int]) -> bool:
        """Tell whether nothing has moved since the last look."""
        return contacts == self._contacts and counts == self._counts

    def look(
        self, contacts: Mapping[Sensor, bool], counts: Mapping[Sensor, int], now: float
    ) -> list[tuple[Sensor, bool]]:
        """Take a look; return what turned, closed or opened, of each contact in order.

        ``now``: monotonic seconds. Which of two contacts turned first between two looks nobody can tell.
        """
        turned: list[tuple[Sensor, bool]] = []
        for sensor, closed in contacts.items():
            told = self._contacts[sensor]
            if sensor in counts:
                edges = _edges(told, closed, self._presses(sensor, counts[sensor]))
                turned += [(sensor, edge) for edge in edges]
                self._counts[sensor] = counts[sensor]
            elif closed == told:
                self._turned_at.pop(sensor, None)
                continue
            elif now - self._turned_at.setdefault(sensor, now) < self._debounce_s:
                continue
            else:
                del self._turned_at[sensor]
                turned.append((sensor, closed))
            self._contacts[sensor] = closed
        return turned

    def _presses(self, sensor: Sensor, count: int) -> int:
        presses = (count - self._counts[sensor]) % COUNTER_STEPS
        if presses <= MOST_PRESSES:
            return presses
        _log.warning("counter of %s moved by %d between two looks: only the contact is believed", sensor, presses)
        return 0


def change(sensor: Sensor, closed: bool, inverted: bool) -> SensorChange:
    """Return what a contact that turned means: an inverted one is open while its sensor is on."""
    return SensorChange(sensor, closed != inverted)


def _edges(was: bool, closed: bool, presses: int) -> list[bool]:
    """Return the edges between two looks of a contact that closed ``presses`` times in between."""
    if closed and not was:
        presses = max(presses, 1)  # a counter that missed what the contact shows is not believed
    edges = [not was, was] * presses
    if closed == was:
        return edges
    return edges[:-1] if closed else [*edges, False]

"""Whether a card lies on the reader, whoever laid it. One that says nothing is a fault, never a wait without end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.errors import DeviceError, DeviceTimeout
from kiosk.clock import deadline

if TYPE_CHECKING:
    from devices.id_reader import IdReader
    from devices.values import Clock

LOOK_EVERY_S = 0.3  # open drivers of such readers ask every 0.3 to 1 s
ANSWER_S = 5.0  # one question; as long as the manager gives a probe
ROLE = "id_reader"


async def waiting(reader: IdReader, clock: Clock) -> bool:
    """Tell whether a card that nobody has read lies there. Raises ``DeviceError``."""
    try:
        async with deadline(clock, ANSWER_S):
            return await reader.card_waiting()
    except TimeoutError as error:
        raise _silent(error) from None


async def lying(reader: IdReader, clock: Clock) -> bool:
    """Tell whether a card lies there: the one read last, or one nobody has read. Raises ``DeviceError``."""
    try:
        async with deadline(clock, ANSWER_S):
            return await reader.card_present() or await reader.card_waiting()
    except TimeoutError as error:
        raise _silent(error) from None


async def lifted(reader: IdReader, clock: Clock) -> None:
    """Return when no card lies there. Raises ``DeviceError``."""
    while await lying(reader, clock):
        await clock.sleep(LOOK_EVERY_S)


def _silent(error: TimeoutError) -> DeviceError:
    return error if isinstance(error, DeviceError) else DeviceTimeout("says nothing of a card", device=ROLE)

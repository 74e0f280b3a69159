"""Whether a card lies on the reader, whoever laid it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devices.id_reader import IdReader
    from devices.values import Clock

LOOK_EVERY_S = 0.3  # open drivers of such readers ask every 0.3 to 1 s


async def lying(reader: IdReader) -> bool:
    """Tell whether a card lies there: the one read last, or one nobody has read. Raises ``DeviceError``."""
    return await reader.card_present() or await reader.card_waiting()


async def lifted(reader: IdReader, clock: Clock) -> None:
    """Return when no card lies there. Raises ``DeviceError``."""
    while await lying(reader):
        await clock.sleep(LOOK_EVERY_S)

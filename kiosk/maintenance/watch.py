"""Looks out for technicians' cards and the cabinet's door; fetches orders and revocations while central is reached."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Final

from devices.card_reader import CardReader
from devices.errors import DeviceError
from devices.sensors import Sensor
from kiosk.clock import deadline
from kiosk.errors import KioskError
from kiosk.events import AlarmRaised
from kiosk.maintenance.access import AccessRefused
from kiosk.maintenance.keeping import FILE_MODE, flush_folder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from kiosk.cabinet import Cabinet
    from kiosk.maintenance.access import Access, Authority, Technician
    from kiosk.maintenance.mode import ServiceMode
    from kiosk.maintenance.orders import Orders
    from kiosk.visit import Tools

SLICE_S: Final = 2.0  # how long a device is held to look: a journey that wants it waits no longer
READ_S: Final = 5.0  # a certificate of 3000 bytes takes a slow card a second
BREATH_S: Final = 0.2  # in which others get the device
AWAY_S: Final = 5.0
FETCH_S: Final = 300.0
FETCH_DOWN_S: Final = 30.0


class Watch:
    """The tasks of the service mode beside the terminal."""

    def __init__(self, tools: Tools, mode: ServiceMode, cabinet: Cabinet) -> None:
        self._tools = tools
        self._mode = mode
        self._cabinet = cabinet

    async def cards(self, access: Access) -> None:
        """Announce technicians' cards until cancelled; residents' cards are none of this task's business."""
        while True:
            who = None
            if not self._tools.devices.missing(["card_reader"]):
                who = await self._look_for_card(access)
            else:
                await self._tools.clock.sleep(AWAY_S)
            if who is not None:
                await self._mode.announce(who)
            await self._tools.clock.sleep(BREATH_S)

    async def _look_for_card(self, access: Access) -> Technician | None:
        try:
            async with self._tools.devices.lease("card_reader") as reader:
                if not isinstance(reader, CardReader):
                    raise TypeError(f"card_reader is a {type(reader).__name__}")
                async with deadline(self._tools.clock, SLICE_S):
                    await reader.wait_card()
                # The reader tells of a card once: one laid down at the slice's end is read all the same.
                async with deadline(self._tools.clock, READ_S):
                    return await access.announced(reader)
        except AccessRefused:
            return None
        except DeviceError as error:
            self._tools.devices.report("card_reader", error)
        except TimeoutError:
            return None
        return None

    async def door(self) -> None:
        """Tell the mode of the door until cancelled. An entry that cannot be written is told as an alarm."""
        turns: asyncio.Queue[bool] = asyncio.Queue()

        def heard(sensor: Sensor, on: bool | None) -> None:
            if sensor is Sensor.DOOR_OPEN and on is not None:
                turns.put_nowait(on)

        self._cabinet.listen(heard)
        before = False  # a door that is open when the terminal starts was opened without an order
        while True:
            now = await turns.get()
            if now is before:
                continue  # told anew after the sensors were away
            before = now
            try:
                await (self._mode.door_opened() if now else self._mode.door_shut())
            except OSError as error:
                self._tools.log.emit(AlarmRaised(code="maintenance.not_written", subject=type(error).__name__))


class Errands:
    """Fetches what central has for technicians: the orders of this machine, and the revocation list."""

    def __init__(
        self,
        tools: Tools,
        folder: Path,
        orders: Orders,
        authority: Authority,
        *,
        fetch_orders: Callable[[], Awaitable[Sequence[object]]],
        fetch_list: Callable[[], Awaitable[bytes]],
    ) -> None:
        self._tools = tools
        self._folder = folder
        self._orders = orders
        self._authority = authority
        self._fetch_orders = fetch_orders
        self._fetch_list = fetch_list

    async def run(self) -> None:
        """Fetch until cancelled."""
        while True:
            fine = await self.fetch()
            await self._tools.clock.sleep(FETCH_S if fine else FETCH_DOWN_S)

    async def fetch(self) -> bool:
        """Fetch once; return whether central was reached and the disk took it."""
        try:
            await self._orders.take(await self._fetch_orders())
            fresh = await self._fetch_list()
            if fresh and (name := self._authority.take_list(fresh)):
                await asyncio.to_thread(_keep_list, self._folder / name, fresh)
        except (KioskError, OSError):
            return False
        return True


def _keep_list(path: Path, der: bytes) -> None:
    draft = path.with_name(path.name + ".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
    with os.fdopen(handle, "wb") as stream:
        stream.write(der)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)
    flush_folder(path.parent)

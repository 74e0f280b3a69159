"""Contacts and detectors on the inputs of a Modbus board: each one a discrete input, perhaps with a counter."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping  # noqa: TC003 - the registry reads the options' types
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar

from devices.background import Background
from devices.device import DeviceInfo
from devices.drivers.modbus_bus import Bus, Place, join, spans
from devices.drivers.modbus_edges import Edges, change
from devices.drivers.modbus_frames import MOST_BITS, MOST_REGISTERS, bit, read_inputs, read_registers, register
from devices.errors import DeviceCode, DeviceError, DeviceFault, DeviceUnavailable
from devices.health import READY
from devices.sensors import Sensor, SensorChange, Sensors

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.drivers.modbus_frames import Request
    from devices.health import Health

E = TypeVar("E", bound=DeviceError)

SHORTEST_POLL_S: Final = 0.05  # a look takes 15 ms of a line at 9600 baud, and lights share it
LONGEST_POLL_S: Final = 5.0
LONGEST_DEBOUNCE_S: Final = 5.0
MOST_UNTOLD: Final = 4096  # changes that nobody asked for; a cabinet has a few an hour
LOOKS: Final = 4  # at contacts and counters until both are of one moment

_log = logging.getLogger(__name__)


class ModbusSensors(Sensors):
    """``sensors`` says at which input (from 0) each one hangs; see ``modbus_bus.Place`` for what leads to the board.

    ``inverted``: sensors that are on while their contact is open, as a door's contact mostly is. ``counters``: holding
    registers (from 0) in which the board counts how often an input closed, 16 bits or the low word of 32: with one, no
    press is too short to be told. Without one, a press shorter than ``poll_interval_s`` and the look itself may be
    missed whole. ``debounce_s``: how long a contact without a counter has to stand before it is believed.
    """

    def __init__(
        self,
        name: str,
        port: str,
        *,
        sensors: Mapping[Sensor, int],
        unit: int = 1,
        baud: int = 9600,
        parity: str = "none",
        inverted: Mapping[Sensor, bool] = MappingProxyType({}),
        counters: Mapping[Sensor, int] = MappingProxyType({}),
        poll_interval_s: float = 0.1,
        debounce_s: float = 0.0,
    ) -> None:
        self._name = name
        self._place = Place(port, unit, baud, parity)
        self._inputs = {Sensor(sensor): place for sensor, place in sensors.items()}
        self._counters = {Sensor(sensor): place for sensor, place in counters.items()}
        self._inverted = frozenset(Sensor(sensor) for sensor, yes in inverted.items() if yes)
        unknown = sorted((self._counters.keys() | self._inverted) - self._inputs.keys())
        if unknown:
            raise ValueError(f"{', '.join(unknown)}: inverted or counted, and at no input")
        if not SHORTEST_POLL_S <= poll_interval_s <= LONGEST_POLL_S:
            raise ValueError(f"poll_interval_s {poll_interval_s}: {SHORTEST_POLL_S} to {LONGEST_POLL_S}")
        if not 0 <= debounce_s <= LONGEST_DEBOUNCE_S:
            raise ValueError(f"debounce_s {debounce_s}: 0 to {LONGEST_DEBOUNCE_S}")
        self._first_input, count = spans(self._inputs.values(), "input", MOST_BITS)
        self._read_inputs = read_inputs(self._first_input, count)
        self._first_counter, self._read_counters = 0, None
        if self._counters:
            self._first_counter, count = spans(self._counters.values(), "counter", MOST_REGISTERS)
            self._read_counters = read_registers(self._first_counter, count)
        self._poll_interval_s = poll_interval_s
        self._debounce_s = debounce_s
        self._bus: Bus | None = None
        self._tell: Callable[[DeviceError], None] | None = None
        self._edges: Edges | None = None
        self._looking = asyncio.Lock()
        self._beside = Background(name)
        self._untold: deque[SensorChange] = deque()
        self._news = asyncio.Event()
        self._trouble: DeviceError | None = None  # why the watch has ended

    def on_lost(self, tell: Callable[[DeviceError], None]) -> None:
        """Let ``tell`` hear that the line was lost, or that the board does not answer any more."""
        self._tell = tell

    async def open(self) -> None:
        """Join the line and look at all contacts: changes count from here. Raises ``DeviceError``."""
        if self._bus is not None:
            return
        try:
            bus = await join(self._place, self._lost)
        except DeviceError as error:
            raise self._mine(error) from None
        self._bus = bus
        self._untold.clear()
        self._news.clear()
        self._trouble = None
        try:
            self._edges = Edges(*await self._ask_both(None), self._debounce_s)
        except BaseException:
            self._bus = None
            await bus.leave(self._lost)
            raise
        self._beside.start(self._look_on(), "watch")

    async def close(self) -> None:
        """Stop looking and leave the line; changes nobody asked for are forgotten. Never raises."""
        bus, self._bus = self._bus, None
        self._news.set()  # whoever waits for a change is told that it is closed
        if bus is None:
            return
        try:
            await self._beside.stop()
        finally:
            await bus.leave(self._lost)

    async def probe(self) -> Health:
        """Look at all contacts. Raises ``DeviceError``, also when the watch has ended with one."""
        await self.states()
        return READY

    def info(self) -> DeviceInfo:
        """Return the name plate; boards have no common way to say what they are."""
        return DeviceInfo("modbus-sensors", self._place.port, model=f"Modbus unit {self._place.unit}")

    def fitted(self) -> frozenset[Sensor]:
        """Return the sensors of the settings."""
        return frozenset(self._inputs)

    async def states(self) -> Mapping[Sensor, bool]:
        """Look now. What this look finds changed is told by :meth:`change` as well. Raises ``DeviceError``."""
        self._require_open()
        if self._trouble is not None:
            raise self._again(self._trouble)
        edges = await self._look()
        return {sensor: closed != (sensor in self._inverted) for sensor, closed in edges.contacts.items()}

    async def change(self) -> SensorChange:
        """Return the next change. Raises ``DeviceError``: after a lost line, once all that was seen has been told."""
        while True:
            self._require_open()
            if self._untold:
                return self._untold.popleft()
            if self._trouble is not None:
                raise self._again(self._trouble)
            self._news.clear()
            await self._news.wait()

    async def _look_on(self) -> None:
        try:
            while self._trouble is None:
                await asyncio.sleep(self._poll_interval_s)
                await self._look()
        except DeviceError as error:
            _log.info("device %s: contacts are no longer seen: %s", self._name, error)
            self._trouble = self._trouble or error
            self._news.set()
            self._lost(error)

    async def _look(self) -> Edges:
        async with self._looking:
            edges = self._edges
            if edges is None:
                raise AssertionError("nobody looks at a device that was never open")
            contacts, counts = await self._ask_both(edges)
            for sensor, closed in edges.look(contacts, counts, asyncio.get_running_loop().time()):
                self._untold.append(change(sensor, closed, sensor in self._inverted))
            if len(self._untold) > MOST_UNTOLD:
                self._untold.clear()
                self._trouble = DeviceFault(f"{MOST_UNTOLD} changes were not asked for and are forgotten")
                raise self._again(self._trouble)
            if self._untold:
                self._news.set()
            return edges

    async def _ask_both(self, before: Edges | None) -> tuple[dict[Sensor, bool], dict[Sensor, int]]:
        """Return contacts and counters of one moment: no counter moved while the contacts were read."""
        counts = await self._ask_counters()
        contacts: dict[Sensor, bool] = {}
        for _ in range(LOOKS):
            packed = await self._ask(self._read_inputs)
            contacts = {sensor: bit(packed, place - self._first_input) for sensor, place in self._inputs.items()}
            if before is not None and before.same(contacts, counts):
                return contacts, counts
            again = await self._ask_counters()
            if again == counts:
                return contacts, counts
            counts = again
        return contacts, counts  # a contact chatters: it is told as well as anybody can

    async def _ask_counters(self) -> dict[Sensor, int]:
        if self._read_counters is None:
            return {}
        packed = await self._ask(self._read_counters)
        return {sensor: register(packed, place - self._first_counter) for sensor, place in self._counters.items()}

    async def _ask(self, request: Request) -> bytes:
        try:
            return await self._require_open().ask(self._place.unit, request)
        except DeviceError as error:
            raise self._mine(error) from None

    def _require_open(self) -> Bus:
        if self._bus is None:
            raise self._mine(DeviceUnavailable("sensors are closed: call open() first", code=DeviceCode.CLOSED))
        return self._bus

    def _again(self, error: DeviceError) -> DeviceError:
        return self._mine(type(error)(error.detail, code=error.code))

    def _lost(self, error: DeviceError) -> None:
        if self._tell is not None and self._bus is not None:
            self._tell(self._mine(error))

    def _mine(self, error: E) -> E:
        error.device = self._name
        return error

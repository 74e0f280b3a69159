"""Lights on the outputs of a Modbus board: relays or transistors, each one a coil."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping  # noqa: TC003 - the registry reads the options' types
from typing import TYPE_CHECKING, Final, TypeVar

from devices.background import Background
from devices.device import DeviceInfo
from devices.drivers.modbus_bus import Bus, Place, join, spans
from devices.drivers.modbus_frames import LAST_ADDRESS, MOST_BITS, bit, read_coils, write_coil, write_coils
from devices.errors import DeviceCode, DeviceError, DeviceUnavailable
from devices.health import READY
from devices.lights import Light, Lights, LightState

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.drivers.modbus_frames import Request
    from devices.health import Health

E = TypeVar("E", bound=DeviceError)

BLINK_S: Final = 1.2  # from one lighting up to the next: the port allows one a second, and clocks are not exact
LIT_S: Final = 0.6
FEED_S: Final = 1.0  # the board's watchdog should be set to three times this
CLOSE_S: Final = 0.35  # for putting the lights out on the way; a board that is gone does not hold up a close

_log = logging.getLogger(__name__)


class ModbusLights(Lights):
    """``lights`` says at which coil (from 0) each one hangs; see ``modbus_bus.Place`` for the other options.

    ``watchdog_coil`` names a coil that the board wants set again and again, else it lets all outputs fall: it is set
    once a second while the device is open. Without one the lights stay as they are when this process dies.
    """

    def __init__(
        self,
        name: str,
        port: str,
        *,
        lights: Mapping[Light, int],
        unit: int = 1,
        baud: int = 9600,
        parity: str = "none",
        watchdog_coil: int | None = None,
    ) -> None:
        self._name = name
        self._place = Place(port, unit, baud, parity)
        self._coils = {Light(light): coil for light, coil in lights.items()}
        self._first, self._count = spans(self._coils.values(), "coil", MOST_BITS)
        if len(set(self._coils.values())) < len(self._coils):
            raise ValueError("two lights hang at one coil")
        if watchdog_coil is not None and (watchdog_coil in self._coils.values() or watchdog_coil > LAST_ADDRESS):
            raise ValueError(f"watchdog_coil {watchdog_coil}: a coil of its own, 0 to {LAST_ADDRESS}")
        self._watchdog_coil = watchdog_coil
        self._bus: Bus | None = None
        self._tell: Callable[[DeviceError], None] | None = None
        self._beside = Background(name)
        self._writing = asyncio.Lock()
        self._wanted: Mapping[Light, LightState] = {}
        self._flashing: frozenset[Light] = frozenset()  # those that blink and are lit just now
        self._flashed_at = float("-inf")  # loop time at which blinking lights last lit up
        self._blinking = asyncio.Event()

    def on_lost(self, tell: Callable[[DeviceError], None]) -> None:
        """Let ``tell`` hear that the line was lost, whoever on it found out."""
        self._tell = tell

    async def open(self) -> None:
        """Join the line, ask whether the board has these coils, and put all lights out. Raises ``DeviceError``."""
        if self._bus is not None:
            return
        try:
            bus = await join(self._place, self._lost)
        except DeviceError as error:
            raise self._mine(error) from None
        self._bus = bus
        self._wanted, self._flashing = {}, frozenset()
        self._blinking.clear()
        try:
            await self._ask(read_coils(self._first, self._count))
            await self._write()
        except BaseException:
            self._bus = None
            await bus.leave(self._lost)
            raise
        self._beside.start(self._blink(), "blink")
        if self._watchdog_coil is not None:
            self._beside.start(self._feed(write_coil(self._watchdog_coil, on=True)), "watchdog")

    async def close(self) -> None:
        """Put all lights out where the board still answers, and leave the line. Never raises."""
        bus = self._bus
        if bus is None:
            return
        try:
            await self._beside.stop()
            self._wanted, self._flashing = {}, frozenset()
            async with asyncio.timeout(CLOSE_S):
                await self._write()
        except (DeviceError, TimeoutError) as error:
            _log.info("device %s: lights may have stayed on: %s", self._name, type(error).__name__)
        finally:
            self._bus = None
            await bus.leave(self._lost)

    async def probe(self) -> Health:
        """Ask how the coils stand; a board that was without power in between is told again. Raises ``DeviceError``."""
        self._require_open()
        async with self._writing:
            packed = await self._ask(read_coils(self._first, self._count))
            lit = self._lit()
            if any(bit(packed, coil - self._first) != (light in lit) for light, coil in self._coils.items()):
                _log.info("device %s: board did not show what it was told", self._name)
                await self._write_all()
        return READY

    def info(self) -> DeviceInfo:
        """Return the name plate; boards have no common way to say what they are."""
        return DeviceInfo("modbus-lights", self._place.port, model=f"Modbus unit {self._place.unit}")

    def fitted(self) -> frozenset[Light]:
        """Return the lights of the settings."""
        return frozenset(self._coils)

    async def show(self, states: Mapping[Light, LightState]) -> None:
        """Set these lights, the others off. Raises ``DeviceError``.

        A light that begins to blink beside others that blink already lights up with them, within 1.2 s.
        """
        self._require_open()
        self._wanted = {light: state for light, state in states.items() if light in self._coils}
        blinkers = self._blinkers()
        self._flashing &= blinkers
        if blinkers and not self._blinking.is_set():
            if asyncio.get_running_loop().time() - self._flashed_at >= BLINK_S:
                self._flash()
            self._blinking.set()
        await self._write()

    async def _blink(self) -> None:
        """Switch the blinking lights, all at once. Between two flashes lies at least ``BLINK_S``, whatever is shown."""
        loop = asyncio.get_running_loop()
        while True:
            await self._blinking.wait()
            await asyncio.sleep(self._flashed_at + LIT_S - loop.time())
            self._flashing = frozenset()
            await self._try_to_write()
            await asyncio.sleep(self._flashed_at + BLINK_S - loop.time())
            if self._blinkers():
                self._flash()
                await self._try_to_write()
            else:
                self._blinking.clear()

    async def _feed(self, alive: Request) -> None:
        while True:
            try:
                await self._ask(alive)
            except DeviceError as error:
                _log.info("device %s: watchdog not fed: %s", self._name, error)
            await asyncio.sleep(FEED_S)

    async def _try_to_write(self) -> None:
        """Write beside everybody's back: a board that does not answer now is found out by the next call or probe."""
        try:
            await self._write()
        except DeviceError as error:
            _log.info("device %s: blinking stands still: %s", self._name, error)

    def _flash(self) -> None:
        self._flashed_at = asyncio.get_running_loop().time()
        self._flashing = self._blinkers()

    def _blinkers(self) -> frozenset[Light]:
        return frozenset(light for light, state in self._wanted.items() if state is LightState.BLINK)

    def _lit(self) -> frozenset[Light]:
        return self._flashing | {light for light, state in self._wanted.items() if state is LightState.ON}

    async def _write(self) -> None:
        async with self._writing:
            await self._write_all()

    async def _write_all(self) -> None:
        """Set every coil that is ours and none that is not: beside a light may hang a lock."""
        lit = self._lit()
        on = {coil: light in lit for light, coil in self._coils.items()}
        for start in sorted(on):
            if start - 1 not in on:
                end = next(coil for coil in range(start, start + len(on) + 1) if coil not in on)
                states = [on[coil] for coil in range(start, end)]
                await self._ask(write_coil(start, states[0]) if len(states) == 1 else write_coils(start, states))

    async def _ask(self, request: Request) -> bytes:
        try:
            return await self._require_open().ask(self._place.unit, request)
        except DeviceError as error:
            raise self._mine(error) from None

    def _require_open(self) -> Bus:
        if self._bus is None:
            raise self._mine(DeviceUnavailable("lights are closed: call open() first", code=DeviceCode.CLOSED))
        return self._bus

    def _lost(self, error: DeviceError) -> None:
        if self._tell is not None and self._bus is not None:
            self._tell(self._mine(error))

    def _mine(self, error: E) -> E:
        error.device = self._name
        return error

"""Every simulated device, unplugged and plugged in a hundred times under the manager: no event lost, nothing left."""

from __future__ import annotations

import asyncio
import threading
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import pytest

from devices.drivers.escpos_printer import EscposPrinter
from devices.drivers.hid_scanner import HidScanner
from devices.drivers.ipp_printer import IppPrinter
from devices.drivers.modbus_lights import ModbusLights
from devices.drivers.modbus_sensors import ModbusSensors
from devices.drivers.nut_power import NutPower
from devices.drivers.opencv_camera import OpencvCamera
from devices.drivers.sdt_id_reader import SdtIdReader
from devices.drivers.serial_pin_pad import SerialPinPad
from devices.drivers.serial_scanner import SerialScanner
from devices.errors import DeviceUnavailable
from devices.health import ABSENT, UNKNOWN
from devices.hotplug import Move, Plug, PlugWatch
from devices.lights import Light
from devices.manager import DeviceManager
from devices.sensors import Sensor
from devices.sim.camera_machine import CameraMachine
from devices.sim.escpos_machine import EscposMachine
from devices.sim.ipp_machine import IppMachine
from devices.sim.link import LinkProxy
from devices.sim.modbus_board import ModbusBoard, ModbusGateway, ModbusSerialLine
from devices.sim.pin_pad_machine import SerialPinPadMachine
from devices.sim.scanner_machine import HidScannerMachine, SerialScannerMachine
from devices.sim.sdt_reader import SdtReaderMachine
from devices.sim.upsd_machine import UpsdMachine
from devices.testing.device import error_of
from devices.testing.handles import open_handles
from kiosk.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
    from pathlib import Path

    from devices.device import Device
    from devices.errors import DeviceError
    from devices.health import Health

TIMES = 100
STORM = 20
BAUD = 115200
LOOK_EVERY_S = 0.005  # a hundredth of the field's half second: the hundred times must not take a hundred times as long
PATIENCE_S = 60.0


class Machine(Protocol):
    """What every simulated machine can."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...


@dataclass
class Fitted:
    """A machine on its wire, the devices that hang on it, and how its cable is pulled and put back."""

    devices: Mapping[str, Device]
    unplug: Callable[[], Awaitable[None] | None]
    plug: Callable[[], Awaitable[None] | None]
    machines: list[Machine] = field(default_factory=list)

    @property
    def has_path(self) -> bool:
        return all(device.info().address.startswith("/") for device in self.devices.values())


async def sdt(folder: Path) -> Fitted:
    reader = SdtReaderMachine(folder)
    await reader.start()
    return Fitted({"id_reader": SdtIdReader("id_reader", reader.port)}, reader.unplug, reader.plug, [reader])


async def camera(folder: Path) -> Fitted:
    machine = CameraMachine(folder)
    await machine.start()
    return Fitted({"camera": OpencvCamera("camera", machine.url)}, machine.unplug, machine.plug, [machine])


async def slips(folder: Path) -> Fitted:
    machine = EscposMachine(folder)
    await machine.start()
    device = EscposPrinter("receipt_printer", machine.host, machine.port)
    return Fitted({"receipt_printer": device}, machine.unplug, machine.plug, [machine])


async def sheets(folder: Path) -> Fitted:
    """Leave the printer on and pull its network cable: starting the real program takes half a second."""
    machine = IppMachine(folder / "out", folder / "work")
    await machine.start()
    at = urlsplit(machine.uri)
    line = LinkProxy("127.0.0.1", at.port or 0)
    await line.start()
    device = IppPrinter("document_printer", at._replace(netloc=f"127.0.0.1:{line.port}").geturl())
    return Fitted({"document_printer": device}, line.cut, line.restore, [line, machine])


async def cabinet(folder: Path) -> Fitted:
    line = ModbusSerialLine(folder, [ModbusBoard(1), ModbusBoard(2)], BAUD)
    await line.start()
    lights = ModbusLights("lights", line.port, lights={Light.STATUS: 0}, baud=BAUD)
    sensors = ModbusSensors("sensors", line.port, sensors={Sensor.TAMPERED: 0}, unit=2, baud=BAUD)
    return Fitted({"lights": lights, "sensors": sensors}, line.unplug, line.plug, [line])


async def gateway(folder: Path) -> Fitted:
    del folder
    machine = ModbusGateway([ModbusBoard()])
    await machine.start()
    device = ModbusSensors("sensors", f"tcp://127.0.0.1:{machine.port}", sensors={Sensor.TAMPERED: 0})
    return Fitted({"sensors": device}, machine.unplug, machine.plug, [machine])


async def supply(folder: Path) -> Fitted:
    del folder
    machine = UpsdMachine()
    await machine.start()
    return Fitted({"power": NutPower("power", machine.host, machine.port)}, machine.unplug, machine.plug, [machine])


async def serial_scanner(folder: Path) -> Fitted:
    machine = SerialScannerMachine(folder)
    await machine.start()
    return Fitted({"scanner": SerialScanner("scanner", machine.port)}, machine.unplug, machine.plug, [machine])


async def hid_scanner(folder: Path) -> Fitted:
    machine = HidScannerMachine(folder)
    await machine.start()
    return Fitted({"scanner": HidScanner("scanner", machine.port)}, machine.unplug, machine.plug, [machine])


async def pin_pad(folder: Path) -> Fitted:
    machine = SerialPinPadMachine(folder)
    await machine.start()
    device = SerialPinPad("pin_pad", machine.port)
    return Fitted({"pin_pad": device}, machine.line.unplug, machine.line.plug, [machine])


class Told:
    """Every change the manager tells, and a way to wait for the next one."""

    def __init__(self) -> None:
        self.states: dict[str, list[str]] = {}
        self._news = asyncio.Event()

    def hear(self, name: str, health: Health, error: DeviceError | None) -> None:
        self.states.setdefault(name, []).append("here" if health not in {ABSENT, UNKNOWN} else "away")
        self._news.set()

    async def until(self, happened: Callable[[], bool]) -> None:
        while not happened():
            self._news.clear()
            await self._news.wait()


class Watch(PlugWatch):
    """The watch of the field, looking more often, and what it has seen last."""

    def __init__(self) -> None:
        super().__init__(clock=SystemClock(), monitor=lambda: None, interval_s=LOOK_EVERY_S)
        self.seen = {Move.PULLED: asyncio.Event(), Move.PLUGGED: asyncio.Event()}

    async def run(self, addresses: Iterable[str], tell: Callable[[Plug], None]) -> None:
        def tell_and_note(plug: Plug) -> None:
            tell(plug)
            if plug.move in self.seen:
                self.seen[plug.move].set()

        await super().run(addresses, tell_and_note)


@asynccontextmanager
async def under_a_manager(fitted: Fitted) -> AsyncIterator[tuple[DeviceManager, Told, Watch]]:
    told, clock, watch = Told(), SystemClock(), Watch()
    manager = DeviceManager(fitted.devices, clock=clock, on_change=told.hear, plugs=watch)
    await manager.start()
    try:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(manager.run())
            await asyncio.sleep(0)
            yield manager, told, watch
            task.cancel()
    finally:
        await manager.stop()


async def done(act: Callable[[], Awaitable[None] | None]) -> None:
    doing = act()
    if doing is not None:
        await doing


MACHINES = [sdt, camera, slips, sheets, cabinet, gateway, supply, serial_scanner, hid_scanner, pin_pad]


@pytest.mark.parametrize("fit", MACHINES, ids=[fit.__name__ for fit in MACHINES])
async def test_hundred_unplugs_lose_no_event_and_leak_nothing(
    fit: Callable[[Path], Awaitable[Fitted]], tmp_path: Path
) -> None:
    async with running(await fit(tmp_path)) as bench:
        await bench.unplug_and_plug()
        bench.told.states.clear()
        before = left()
        for _ in range(TIMES):
            await bench.unplug_and_plug()
        assert bench.told.states == {name: ["away", "here"] * TIMES for name in bench.fitted.devices}
        while any(now > then for now, then in zip(left(), before, strict=True)):  # noqa: ASYNC110 - threads set no event
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("fit", [sdt, cabinet, serial_scanner, hid_scanner], ids=lambda fit: fit.__name__)
async def test_storm_of_twenty_in_a_second_ends_in_the_truth(
    fit: Callable[[Path], Awaitable[Fitted]], tmp_path: Path
) -> None:
    async with running(await fit(tmp_path)) as bench:
        before = left()
        bench.told.states.clear()
        for number in range(STORM):
            await done(bench.fitted.plug if number % 2 else bench.fitted.unplug)
            await asyncio.sleep(1 / STORM)
        await bench.until_usable(yes=True)
        for states in bench.told.states.values():
            assert states == ["away", "here"] * (len(states) // 2), "no change is told twice"
        await bench.unplug_and_plug()
        while any(now > then for now, then in zip(left(), before, strict=True)):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)


async def test_reader_pulled_while_it_is_lent_is_told_at_once_and_back_when_it_is_given_back(tmp_path: Path) -> None:
    async with running(await sdt(tmp_path)) as bench:
        bench.told.states.clear()
        async with bench.manager.lease("id_reader") as reader:
            await bench.pull()
            await done(bench.fitted.plug)
            error = await error_of(reader.probe)
            bench.manager.report("id_reader", error)
        assert isinstance(error, DeviceUnavailable), "what was open is of no use to its user"
        await bench.until_usable(yes=True)
        assert bench.told.states == {"id_reader": ["away", "here"]}


class Bench:
    """A manager over what is fitted."""

    def __init__(self, fitted: Fitted, manager: DeviceManager, told: Told, watch: Watch) -> None:
        self.watch = watch
        self.fitted = fitted
        self.manager = manager
        self.told = told

    async def unplug_and_plug(self) -> None:
        await self.pull()
        await self._act(self.fitted.plug, Move.PLUGGED)

    async def pull(self) -> None:
        await self._act(self.fitted.unplug, Move.PULLED)

    async def _act(self, act: Callable[[], Awaitable[None] | None], move: Move) -> None:
        """Do it, and leave it so until the watch has seen it: nobody's hand is faster."""
        self.watch.seen[move].clear()
        await done(act)
        self._hasten()
        await self.until_usable(yes=move is Move.PLUGGED)
        if self.fitted.has_path:
            await self.watch.seen[move].wait()

    def _hasten(self) -> None:
        """Let something unknown be moved: what hangs at no path is told of by nobody but its driver and the probe."""
        if not self.fitted.has_path:
            self.manager.heard(Plug(Move.UNSURE))

    async def until_usable(self, *, yes: bool) -> None:
        await self.told.until(lambda: all(self.manager.health(name).usable is yes for name in self.fitted.devices))


@asynccontextmanager
async def running(fitted: Fitted) -> AsyncIterator[Bench]:
    async with AsyncExitStack() as stack, asyncio.timeout(PATIENCE_S):
        for machine in reversed(fitted.machines):
            stack.push_async_callback(machine.stop)
        manager, told, watch = await stack.enter_async_context(under_a_manager(fitted))
        yield Bench(fitted, manager, told, watch)


def left() -> tuple[int, ...]:
    return open_handles(), threading.active_count(), len(asyncio.all_tasks())

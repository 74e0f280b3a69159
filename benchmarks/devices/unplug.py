"""Goal: a device that is pulled out is told as absent within a second, p99 of at least a hundred pulls.

Three ways in which the terminal finds out, apart: by looking at paths twice a second, where no udev runs (nobody uses
the device, its driver sleeps); by the driver's own ear, when its line or its link hangs up (nobody uses it either); and
by a call that was under way. What udev itself needs is not in here: no container has one. Between two pulls of a device
lies a random time, so that no way meets its own rhythm.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.measure import percentile, short
from benchmarks.report import Verdict, at_most
from devices.drivers.modbus_lights import ModbusLights
from devices.drivers.modbus_sensors import ModbusSensors
from devices.drivers.nut_power import NutPower
from devices.drivers.sdt_id_reader import SdtIdReader
from devices.drivers.serial_scanner import SerialScanner
from devices.errors import DeviceError
from devices.hotplug import POLL_S, PlugWatch
from devices.id_reader import IdReader
from devices.lights import Light
from devices.manager import DeviceManager
from devices.sensors import Sensor
from devices.sim.modbus_board import ModbusBoard, ModbusGateway, ModbusSerialLine
from devices.sim.scanner_machine import SerialScannerMachine
from devices.sim.sdt_reader import SdtReaderMachine
from devices.sim.upsd_machine import UpsdMachine
from kiosk.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from devices.device import Device
    from devices.health import Health

WANTED_S: Final = 1.0
EACH: Final = 4  # machines of one kind, unplugged side by side
ROUNDS, QUICK_ROUNDS = 40, 10  # pulls of each machine
LINE_BAUD: Final = 115200
LONGEST_PAUSE_S: Final = 2 * POLL_S


@dataclass(frozen=True, slots=True)
class Fitted:
    """A device and its cable."""

    name: str
    device: Device
    unplug: Callable[[], Awaitable[None] | None]
    plug: Callable[[], Awaitable[None] | None]


def measure(*, quick: bool) -> list[Verdict]:
    """Measure the three ways one after the other."""
    rounds = QUICK_ROUNDS if quick else ROUNDS
    logging.getLogger("devices").setLevel(logging.ERROR)  # each pull is told there
    ways = (
        ("paths looked at twice a second", _on_paths, True, False),
        ("heard by the driver, nobody uses it", _by_ear, False, False),
        ("in the middle of a wait for a card", _readers, False, True),
    )
    verdicts = []
    for what, fit, watched, in_use in ways:
        took = asyncio.run(_pull(fit, rounds, watched=watched, in_use=in_use))
        p50 = short(statistics.median(took))
        text = f"hot-unplug noticed, p99 of {len(took)}: {what} (p50 {p50} s)"
        verdicts.append(at_most("D5", text, WANTED_S, percentile(took, 0.99), " s"))
    return verdicts


async def _pull(
    fit: Callable[[Path, contextlib.AsyncExitStack], Awaitable[list[Fitted]]],
    rounds: int,
    *,
    watched: bool,
    in_use: bool,
) -> list[float]:
    """Return the seconds from each pull to the manager's word."""
    with tempfile.TemporaryDirectory() as folder:
        async with contextlib.AsyncExitStack() as machines:
            fitted = await fit(Path(folder), machines)
            changed = {each.name: asyncio.Event() for each in fitted}

            def hear(name: str, health: Health, error: DeviceError | None) -> None:
                del health, error
                changed[name].set()

            clock = SystemClock()
            manager = DeviceManager(
                {each.name: each.device for each in fitted},
                clock=clock,
                on_change=hear,
                plugs=PlugWatch(clock=clock, monitor=lambda: None) if watched else None,
            )
            await manager.start()
            async with asyncio.TaskGroup() as group:
                supervision = group.create_task(manager.run())
                async with asyncio.TaskGroup() as pulls:
                    tasks = [
                        pulls.create_task(_pull_one(each, manager, changed[each.name], rounds, in_use=in_use))
                        for each in fitted
                    ]
                supervision.cancel()
            await manager.stop()
            return [seconds for task in tasks for seconds in task.result()]


async def _pull_one(
    fitted: Fitted, manager: DeviceManager, changed: asyncio.Event, rounds: int, *, in_use: bool
) -> list[float]:
    loop, took = asyncio.get_running_loop(), []
    for _ in range(rounds):
        async with asyncio.TaskGroup() as group:
            user = group.create_task(_wait_for_card(manager, fitted.name)) if in_use else None
            await asyncio.sleep(random.uniform(0, LONGEST_PAUSE_S))  # noqa: S311 - no secret
            pulled = loop.time()
            await _do(fitted.unplug)
            while manager.health(fitted.name).usable:
                changed.clear()
                await changed.wait()
            took.append(loop.time() - pulled)
            if user is not None:
                await user
        await _do(fitted.plug)
        while not manager.health(fitted.name).usable:
            changed.clear()
            await changed.wait()
    return took


async def _wait_for_card(manager: DeviceManager, name: str) -> None:
    with contextlib.suppress(DeviceError):  # the lease has reported it
        async with manager.lease(name) as reader:
            if isinstance(reader, IdReader):
                await reader.wait_card()


async def _do(act: Callable[[], Awaitable[None] | None]) -> None:
    doing = act()
    if doing is not None:
        await doing


async def _readers(folder: Path, machines: contextlib.AsyncExitStack) -> list[Fitted]:
    fitted = []
    for number in range(3 * EACH):
        name = f"reader-{number}"
        machine = SdtReaderMachine(folder, name=name)
        await machine.start()
        machines.push_async_callback(machine.stop)
        fitted.append(Fitted(name, SdtIdReader(name, machine.port), machine.unplug, machine.plug))
    return fitted


async def _on_paths(folder: Path, machines: contextlib.AsyncExitStack) -> list[Fitted]:
    fitted = (await _readers(folder, machines))[:EACH]
    for number in range(EACH):
        name, place = f"lights-{number}", folder / str(number)
        place.mkdir()
        line = ModbusSerialLine(place, [ModbusBoard()], LINE_BAUD)
        await line.start()
        machines.push_async_callback(line.stop)
        lights = ModbusLights(name, line.port, lights={Light.STATUS: 0}, baud=LINE_BAUD)
        fitted.append(Fitted(name, lights, line.unplug, line.plug))
        name = f"scanner-{number}"
        scanner = SerialScannerMachine(place)
        await scanner.start()
        machines.push_async_callback(scanner.stop)
        fitted.append(Fitted(name, SerialScanner(name, scanner.port), scanner.unplug, scanner.plug))
    return fitted


async def _by_ear(folder: Path, machines: contextlib.AsyncExitStack) -> list[Fitted]:
    fitted = []
    for number in range(EACH):
        wanted = {Sensor.DOOR_OPEN: 0}
        line = ModbusSerialLine(folder, [ModbusBoard()], LINE_BAUD, name=f"line-{number}")
        await line.start()
        machines.push_async_callback(line.stop)
        name = f"sensors-{number}"
        sensors = ModbusSensors(name, line.port, sensors=wanted, baud=LINE_BAUD)
        fitted.append(Fitted(name, sensors, line.unplug, line.plug))
        gateway = ModbusGateway([ModbusBoard()])
        await gateway.start()
        machines.push_async_callback(gateway.stop)
        name = f"gateway-{number}"
        lights = ModbusLights(name, f"tcp://127.0.0.1:{gateway.port}", lights={Light.STATUS: 0})
        fitted.append(Fitted(name, lights, gateway.unplug, gateway.plug))
        upsd = UpsdMachine()
        await upsd.start()
        machines.push_async_callback(upsd.stop)
        name = f"power-{number}"
        fitted.append(Fitted(name, NutPower(name, upsd.host, upsd.port), upsd.unplug, upsd.plug))
    return fitted


if __name__ == "__main__":
    for verdict in measure(quick=True):
        print(verdict)

"""A whole world: every machine is found by its driver, does what the dock says, and is left out where it cannot run."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from devices import registry
from devices.health import Condition, HealthState
from devices.pin_pad import PadKey, PinPad
from devices.roles import PORTS
from devices.sensors import Sensor, SensorChange, Sensors
from devices.sim.actions import Actions
from devices.sim.ippeve.build import ToolMissingError
from devices.sim.short_path import PATH_MAX, short_path
from devices.sim.world import World, WorldRefused
from devices.testing.device import until
from kiosk.settings import load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from devices.card_slot import CardSlot
    from devices.device import Device
    from devices.power import Power
    from devices.printer import Printer
    from devices.scanner import Scanner

FACES = Path(__file__).parents[2] / "build" / "faces"
ROOT = Path(__file__).parents[2]
DEADLINE_S = 15.0


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Return a running world of everything this computer can run, without a PC/SC service: a process has only one."""
    roles = PORTS.keys() - {"card_reader", "camera"}
    made = World(tmp_path, FACES, None, roles=roles)
    await made.start()
    yield made
    await made.stop()


def device(world: World, role: str) -> Any:
    """Make the device of a role as the demo's settings and the world's overlay say."""
    settings = load("demo", overlays=[("world", world.settings())])
    wanted = settings.devices[role]
    return registry.create(wanted.driver, role, wanted.options)


async def opened(world: World, role: str) -> Any:
    made: Device = device(world, role)
    await made.open()
    return made


async def test_scanner_reads_what_is_shown(world: World) -> None:
    scanner: Scanner = await opened(world, "scanner")
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group:
        reading = group.create_task(scanner.scan())
        await asyncio.sleep(0)  # the light is on before the code is shown
        await Actions(world).act("scanner.show", {"text": "TB-1"})
    assert reading.result().text.reveal() == "TB-1"
    await scanner.close()


async def test_pad_and_contacts_reach_the_terminal(world: World) -> None:
    acts = Actions(world)
    pad: PinPad = await opened(world, "pin_pad")
    sensors: Sensors = await opened(world, "sensors")
    await pad.start()
    await acts.act("pad.press", {"keys": "12 enter"})
    await acts.act("sensor", {"sensor": "door_open", "on": True})
    async with asyncio.timeout(DEADLINE_S):
        assert [await pad.key() for _ in range(3)] == [PadKey.ONE, PadKey.TWO, PadKey.ENTER]
        assert await sensors.change() == SensorChange(Sensor.DOOR_OPEN, True)
    await pad.close()
    await sensors.close()


async def test_slot_takes_a_card_only_while_it_is_open_and_gives_it_back(world: World) -> None:
    acts = Actions(world)
    slot: CardSlot = await opened(world, "card_slot")
    with pytest.raises(WorldRefused, match="the slot is shut"):
        await acts.act("slot.offer", {"card": "bank"})
    async with asyncio.timeout(DEADLINE_S):
        async with asyncio.TaskGroup() as group:
            accepting = group.create_task(slot.accept())
            await until(lambda: world.slot.track.shutter_open)
            await acts.act("slot.offer", {"card": "bank"})
        assert accepting.result() is not None
        assert world.state()["machines"]["slot"]["card"] == "bank"
        await slot.present()
    await acts.act("slot.take", {})
    assert world.state()["machines"]["slot"]["place"] == "empty"
    with pytest.raises(WorldRefused, match="no card is held out"):
        await acts.act("slot.take", {})
    await slot.close()


async def test_sheet_printer_says_its_own_words_and_the_panels_at_once(world: World) -> None:
    acts = Actions(world)
    printer: Printer = await opened(world, "document_printer")
    await acts.act("sheets.trouble", {"what": "output-area-full"})
    await acts.act("sheets.trouble", {"what": "marker-waste-full"})
    health = await printer.probe()
    assert health.conditions == {Condition.OUTPUT_FULL, Condition.WASTE_FULL}
    await acts.act("printer.unplug", {"printer": "sheets"})
    with pytest.raises(WorldRefused, match="switch it on first"):
        await acts.act("toner", {"level": "out"})
    await acts.act("printer.plug", {"printer": "sheets"})
    assert world.state()["machines"]["sheets"]["reasons"] == []
    await printer.close()
    await printer.open()
    assert (await printer.probe()).state is HealthState.READY
    await printer.close()


async def test_mains_and_battery_are_told(world: World) -> None:
    acts = Actions(world)
    power: Power = await opened(world, "power")
    await acts.act("power.battery", {"percent": 10})
    await acts.act("power.mains", {"on": False})
    assert {Condition.ON_BATTERY, Condition.BATTERY_LOW} <= (await power.probe()).conditions
    with pytest.raises(WorldRefused, match="less than or equal to 100"):
        await acts.act("power.battery", {"percent": 101})
    await power.close()


async def test_everything_that_can_be_pulled_can_be_put_back(world: World) -> None:
    acts = Actions(world)
    for machine in ("reader", "slot", "glass", "scanner", "pad", "board", "power"):
        await acts.act(f"{machine}.unplug", {})
        assert world.state()["machines"][machine]["plugged"] is False, machine
        await acts.act(f"{machine}.plug", {})
        assert world.state()["machines"][machine]["plugged"] is True, machine


async def test_what_this_computer_cannot_run_is_left_out_and_its_role_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object) -> None:
        raise ToolMissingError("pcscd is not there: install pcscd")

    monkeypatch.setattr("devices.sim.chip_stand.VpcdService", missing)
    world = World(tmp_path, FACES, None, roles={"card_reader", "power"})
    await world.start()
    try:
        assert world.left_out == {"chip": "pcscd is not there: install pcscd"}
        assert "chip" not in world.state()["machines"]
        with pytest.raises(WorldRefused, match="chip is not there: pcscd is not there"):
            await Actions(world).act("chip.insert", {"card": "technician"})
        with pytest.raises(WorldRefused, match="the settings have no device scanner"):
            await Actions(world).act("scanner.show", {"text": "x"})
        devices = load("demo", overlays=[("world", world.settings())]).devices
        assert "card_reader" not in devices
        assert devices["power"].options["host"] == "127.0.0.1"
    finally:
        await world.stop()


async def test_stopped_world_leaves_no_folder_of_sockets(tmp_path: Path) -> None:
    world = World(tmp_path, FACES, None, roles={"pin_pad", "card_slot"})
    await world.start()
    near = Path(world.slot.address).parent
    assert near.is_dir()
    await world.stop()
    await world.stop()
    assert not near.exists()


def test_sockets_find_a_short_place_when_the_temporary_folder_lies_deep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 90)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    assert len(os.fsencode(short_path() / "pcsc" / "pcscd.comm")) <= PATH_MAX


CHIP = """
import asyncio, sys
from pathlib import Path
from cryptography import x509
from devices import registry
from devices.chip import piv
from devices.sim.actions import Actions
from devices.sim.world import World

async def main():
    world = World(Path(sys.argv[1]), Path(sys.argv[2]), None, roles={"card_reader"})
    await world.start()
    try:
        if world.left_out:
            print("left out", world.left_out["chip"])
            return
        acts = Actions(world)
        reader = registry.create("pcsc", "card_reader", world.settings()["devices"]["card_reader"])
        await reader.open()
        await acts.act("chip.insert", {"card": "technician"})
        async with asyncio.timeout(15):
            await reader.wait_card()
            der = await reader.converse(piv.certificate())
            print(x509.load_der_x509_certificate(der).subject.rfc4514_string())
            await acts.act("chip.pull", {})
            await reader.wait_removed()
        print(world.state()["machines"]["chip"]["cards"])
        await reader.close()
        try:
            registry.create("pcsc", "card_reader", {"service": "/elsewhere/pcscd.comm"})
        except ValueError as error:
            print("refused" if "speaks with" in str(error) else error)
    finally:
        await world.stop()

asyncio.run(main())
"""


def test_technicians_card_is_read_through_a_service_of_the_worlds_own(tmp_path: Path) -> None:
    """In a process of its own: a process speaks with one PC/SC service all its life."""
    surroundings = {key: value for key, value in os.environ.items() if key != "PCSCLITE_CSOCK_NAME"}
    done = subprocess.run(
        [sys.executable, "-c", CHIP, str(tmp_path), str(FACES)],
        cwd=ROOT,
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if done.stdout.startswith("left out"):
        pytest.skip(done.stdout)
    assert done.stdout.splitlines() == ["CN=T-0042", "{'0': '', '1': ''}", "refused"]

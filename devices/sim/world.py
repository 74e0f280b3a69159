"""The simulated world of one terminal: its machines at the far end of real wires."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

from devices.sim.cabinet import Cabinet
from devices.sim.camera_machine import CameraMachine
from devices.sim.card_slot_machine import CardSlotMachine
from devices.sim.central_window import CentralWindow
from devices.sim.chip_stand import ChipStand
from devices.sim.escpos_machine import EscposMachine
from devices.sim.faces import NOBODY, Faces, FacesMissing
from devices.sim.glass_machine import GlassMachine
from devices.sim.ippeve.build import ToolMissingError
from devices.sim.link import LinkProxy
from devices.sim.pin_pad_machine import HidPinPadMachine
from devices.sim.scanner_machine import SerialScannerMachine
from devices.sim.sdt_reader import SdtReaderMachine
from devices.sim.sheet_printer import SheetPrinter
from devices.sim.short_path import short_path
from devices.sim.supply import Supply
from devices.sim.voice import Voice
from devices.sim.wallet import STAFF, Wallet

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    Options = dict[str, dict[str, object]]

START_LIMIT_S: Final = 20.0  # of one machine, on a slow one; measured below 1 s
CANNOT_RUN: Final = (OSError, RuntimeError, ToolMissingError, FacesMissing, subprocess.SubprocessError, TimeoutError)
DISPATCHED: Final = "technician"  # for whom central has an order from the beginning


class WorldRefused(ValueError):
    """What was asked for cannot happen here. The text says why, or what is known instead."""


class Machine(Protocol):
    """What can be switched on and off."""

    async def start(self) -> None:
        """Switch on."""
        ...

    async def stop(self) -> None:
        """Switch off. Idempotent."""
        ...


@dataclass(frozen=True, slots=True)
class CentralAddress:
    """Where central really is; the terminal only gets to see the line's near end. ``kiosk``: as it is enrolled."""

    url: str
    tls_ca: str = ""
    kiosk: str = ""


@dataclass(frozen=True, slots=True)
class Fitting:
    """A machine in its place: the roles it fills, the options that lead their drivers to it, and what it shows."""

    machine: Machine
    options: Callable[[], Options]
    roles: tuple[str, ...]
    shows: Callable[[], dict[str, Any]] = dict


class World:
    """All machines of one terminal. Created stopped; ``folder`` receives what they print.

    ``roles``: those the terminal has a device for; machines of other roles stay off. A machine that this computer
    cannot run is left out, and ``left_out`` says why.
    """

    def __init__(
        self, folder: Path, faces: Path, central: CentralAddress | None, *, roles: Collection[str] | None = None
    ) -> None:
        self.folder = folder
        self.pictures = Faces(faces)
        self._near = short_path()
        self._faces = faces
        self._place_machines()
        self.wallet = Wallet(folder / "chips", self.pictures)
        self.central = CentralWindow(central.url, central.tls_ca) if central else None
        self.kiosk = central.kiosk if central else ""
        self.line = self._line_to(central.url) if central else None
        self.face = NOBODY
        self.card = ""
        self.offered = ""
        self.order = ""  # number of the order central has sent a technician with
        self.fittings = self._fit()
        self.off = {n for n, f in self.fittings.items() if roles is not None and not set(f.roles) & set(roles)}
        self.left_out: dict[str, str] = {}
        self.notes: dict[str, dict[str, Any]] = {
            "reader": {"plugged": True, "answers": True},
            "sheets": {"powered": True, "paper": "ok", "jammed": False, "mute": False, "toner": "ok", "reasons": []},
            "slips": {"powered": True, "mute": False},
            "slot": {"plugged": True, "answers": True, "sees": True},
            "scanner": {"plugged": True, "mute": False, "shown": 0},
            "pad": {"plugged": True, "mute": False},
        }
        self._standing: list[Machine] = []

    def _place_machines(self) -> None:
        folder = self.folder
        self.reader = SdtReaderMachine(folder)
        self.camera = CameraMachine(self._faces)
        self.sheets = SheetPrinter(folder / "prints", folder / "ipp")
        self.slips = EscposMachine(folder / "slips")
        self.chip = ChipStand(self._near / "pcsc")
        self.slot = CardSlotMachine(self._near)
        self.glass = GlassMachine()
        self.scanner = SerialScannerMachine(folder)
        self.pad = HidPinPadMachine(self._near)
        self.board = Cabinet(folder)
        self.voice = Voice()
        self.power = Supply()

    def _fit(self) -> dict[str, Fitting]:
        slips, chip, slot = self.slips, self.chip, self.slot
        return {
            "reader": Fitting(self.reader, lambda: {"id_reader": {"port": self.reader.port}}, ("id_reader",)),
            "camera": Fitting(
                self.camera, lambda: {"camera": {"source": self.camera.url}}, ("camera",), self.camera.state
            ),
            "sheets": Fitting(
                self.sheets, lambda: {"document_printer": {"uri": self.sheets.address}}, ("document_printer",)
            ),
            "slips": Fitting(
                slips,
                lambda: {"receipt_printer": {"host": slips.host, "port": slips.port}},
                ("receipt_printer",),
                self._slips_show,
            ),
            "chip": Fitting(chip, lambda: {"card_reader": chip.settings()}, ("card_reader",), chip.state),
            "slot": Fitting(slot, lambda: {"card_slot": {"address": slot.address}}, ("card_slot",), self._slot_shows),
            "glass": Fitting(
                self.glass,
                lambda: {"document_camera": {"source": self.glass.url}},
                ("document_camera",),
                self.glass.state,
            ),
            "scanner": Fitting(self.scanner, lambda: {"scanner": {"port": self.scanner.port}}, ("scanner",)),
            "pad": Fitting(self.pad, lambda: {"pin_pad": {"port": self.pad.port}}, ("pin_pad",)),
            "board": Fitting(self.board, self.board.settings, ("lights", "sensors"), self.board.state),
            "speech": Fitting(self.voice, lambda: {"speech": self.voice.settings()}, ("speech",), self.voice.state),
            "power": Fitting(self.power, lambda: {"power": self.power.settings()}, ("power",), self.power.state),
        }

    @staticmethod
    def _line_to(url: str) -> LinkProxy:
        at = urlsplit(url)
        return LinkProxy(at.hostname or "127.0.0.1", at.port or (443 if at.scheme == "https" else 80))

    async def start(self) -> None:
        """Start every machine side by side. Raises ``OSError`` when not even the line can be had; nothing runs then."""
        self._near.mkdir(mode=0o700)
        try:
            if self.line is not None:
                await self.line.start()
                self._standing.append(self.line)
            async with asyncio.TaskGroup() as group:
                for name in self.fittings.keys() - self.off:
                    group.create_task(self._begin(name))
                group.create_task(self._send_technician())
        except BaseException:
            await self.stop()
            raise

    async def _begin(self, name: str) -> None:
        machine = self.fittings[name].machine
        try:
            async with asyncio.timeout(START_LIMIT_S):
                await machine.start()
        except CANNOT_RUN as error:
            self.left_out[name] = str(error) or type(error).__name__
            await machine.stop()
        else:
            self._standing.append(machine)

    async def _send_technician(self) -> None:
        """Have the technicians' cards certified by central, and one of them sent here."""
        if self.central is None or "chip" in self.off:
            return
        try:
            await self.wallet.certify(self.central.certify)
            await self.dispatch()
        except OSError as error:
            self.left_out["order"] = str(error)

    async def dispatch(self) -> None:
        """Have central send the technician to this terminal. Raises ``WorldRefused``, ``OSError``."""
        if self.central is None or not self.kiosk:
            raise WorldRefused("this world was started without central: nobody sends work orders")
        staff = STAFF[DISPATCHED]
        self.order = await self.central.order(self.kiosk, staff.id, staff.role)

    async def stop(self) -> None:
        """Stop every machine. Idempotent."""
        while self._standing:
            await self._standing.pop().stop()
        await asyncio.to_thread(shutil.rmtree, self._near, ignore_errors=True)

    def need(self, machine: str) -> None:
        """Refuse what is asked of a machine that is not there. Raises ``WorldRefused``."""
        if machine in self.left_out:
            raise WorldRefused(f"{machine} is not there: {self.left_out[machine]}")
        if machine in self.off:
            roles = " or ".join(self.fittings[machine].roles)
            raise WorldRefused(f"{machine} is not there: the settings have no device {roles}")

    def settings(self) -> dict[str, Any]:
        """Return the settings that lead the terminal to this world; ``None`` takes away what cannot be led to."""
        devices: dict[str, Any] = {}
        for name, fitting in self.fittings.items():
            if name in self.left_out:
                devices |= dict.fromkeys(fitting.roles)
            elif name not in self.off:
                devices |= fitting.options()
        settings: dict[str, Any] = {"devices": devices}
        if self.line is not None and self.central is not None:
            at = urlsplit(self.central.url)
            settings["central"] = {"url": at._replace(netloc=f"{at.hostname}:{self.line.port}").geturl()}
        return settings

    def state(self) -> dict[str, Any]:
        """Return everything there is to see."""
        machines = {
            name: self.notes.get(name, {}) | fitting.shows()
            for name, fitting in self.fittings.items()
            if name not in self.off and name not in self.left_out
        }
        return {
            "card": self.card,
            "face": self.face,
            "order": self.order,
            "prints": [path.name for path in self.sheets.prints],
            "slips": [path.name for path in self.slips.slips],
            "line": self.line.state if self.line else "none",
            "machines": machines,
            "left_out": self.left_out,
        }

    def _slips_show(self) -> dict[str, Any]:
        sensors = self.slips.sensors
        return {
            "paper": sensors.paper,
            "cover_open": sensors.cover_open,
            "button": sensors.button,
            "ticket": sensors.ticket,
            "troubles": sorted(trouble.value for trouble in sensors.troubles),
        }

    def _slot_shows(self) -> dict[str, Any]:
        track = self.slot.track
        return {
            "open": track.shutter_open,
            "card": self.offered if track.card is not None else "",
            "place": track.place.value if track.card is not None else "empty",
            "bin": len(track.bin),
            "bin_full": track.bin_full,
        }

"""The simulated world of one terminal: its machines at the far end of real wires."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from devices.sim.camera_machine import CameraMachine
from devices.sim.central_window import CentralWindow
from devices.sim.escpos_machine import EscposMachine
from devices.sim.faces import NOBODY, Faces
from devices.sim.ipp_machine import IppMachine
from devices.sim.link import LinkProxy
from devices.sim.sdt_reader import SdtReaderMachine

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class CentralAddress:
    """Where central really is; the terminal only gets to see the line's near end."""

    url: str
    tls_ca: str = ""


class World:
    """All machines of one terminal. Created stopped; ``folder`` receives what they print."""

    def __init__(self, folder: Path, faces: Path, central: CentralAddress | None) -> None:
        self.folder = folder
        self.pictures = Faces(faces)
        self.reader = SdtReaderMachine(folder)
        self.camera = CameraMachine(faces)
        self.sheets = IppMachine(folder / "prints", folder / "ipp")
        self.slips = EscposMachine(folder / "slips")
        self.central = CentralWindow(central.url, central.tls_ca) if central else None
        self.line = self._line_to(central.url) if central else None
        self.face = NOBODY
        self.card = ""
        self.machines: dict[str, dict[str, bool]] = {
            "reader": {"plugged": True, "answers": True},
            "camera": {"plugged": True, "frozen": False, "black": False, "mute": False},
            "sheets": {"powered": True, "paper": True, "jammed": False},
            "slips": {"powered": True, "paper": True, "cover_open": False},
        }
        self._running = contextlib.AsyncExitStack()

    @staticmethod
    def _line_to(url: str) -> LinkProxy:
        at = urlsplit(url)
        return LinkProxy(at.hostname or "127.0.0.1", at.port or (443 if at.scheme == "https" else 80))

    async def start(self) -> None:
        """Start every machine; when one fails, those that stood are stopped again and its error is raised."""
        async with contextlib.AsyncExitStack() as started:
            for machine in (self.reader, self.camera, self.sheets, self.slips, self.line):
                if machine is not None:
                    await machine.start()
                    started.push_async_callback(machine.stop)
            self._running = started.pop_all()

    async def stop(self) -> None:
        """Stop every machine. Idempotent."""
        await self._running.aclose()

    def settings(self) -> dict[str, Any]:
        """Return the settings that lead the terminal to this world."""
        settings: dict[str, Any] = {
            "devices": {
                "id_reader": {"port": self.reader.port},
                "camera": {"source": self.camera.url},
                "document_printer": {"uri": self.sheets.uri},
                "receipt_printer": {"host": self.slips.host, "port": self.slips.port},
            },
        }
        if self.line is not None and self.central is not None:
            at = urlsplit(self.central.url)
            settings["central"] = {"url": at._replace(netloc=f"{at.hostname}:{self.line.port}").geturl()}
        return settings

    def state(self) -> dict[str, Any]:
        """Return everything there is to see."""
        return {
            "card": self.card,
            "face": self.face,
            "prints": [path.name for path in self.sheets.prints],
            "slips": [path.name for path in self.slips.slips],
            "line": self.line.state if self.line else "none",
            "machines": self.machines,
        }

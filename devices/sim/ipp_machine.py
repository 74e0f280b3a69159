"""An A4 printer to put at the far end of the wire: the real ``ippeveprinter`` on loopback with a paper path of ours."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import shlex
import shutil
import signal
import socket
import struct
import sys
from typing import TYPE_CHECKING

from devices.sim.ippeve import paper_path
from devices.sim.ippeve.build import build_stub, require

if TYPE_CHECKING:
    from pathlib import Path

FULL_TRAY = 250
A4 = "iso_a4_210x297mm"
LOW_TRAY = 5
START_S = 5.0  # measured 0.2 s; a busy machine may take longer
START_ATTEMPTS = 3  # a free port may be taken by somebody else between finding and using it
POLL_S = 0.02
TONER_FULL, TONER_LOW, TONER_OUT = 80, 5, 0
WASTE = 25  # percent full; 100 would be a fault of its own
PRINT_JOB, GET_PRINTER_ATTRIBUTES = 0x0002, 0x000B


class IppMachine:
    """A printer that can be starved, jammed, slowed and unplugged. Finished documents lie in ``out_dir``.

    ``work_dir`` holds the control files and the spool; the spool is empty when no job is in the machine.
    """

    def __init__(self, out_dir: Path, work_dir: Path, build_dir: Path | None = None, *, duplex: bool = False) -> None:
        self._duplex = duplex
        self._out = out_dir.resolve()
        self._work = work_dir.resolve()
        self._control = self._work / "control"
        self._spool = self._work / "spool"
        self._keys = self._work / "keys"  # where it puts the certificate it signs itself
        self._build = build_dir or self._work / "build"
        self._process: asyncio.subprocess.Process | None = None
        self._port = 0

    @property
    def uri(self) -> str:
        """Return the printer's address; known after the first start."""
        return f"ipp://127.0.0.1:{self._port}/ipp/print"

    @property
    def prints(self) -> list[Path]:
        """Return the documents that have come out, oldest first."""
        return sorted(self._out.glob("print-*.pdf"))

    async def start(self) -> None:
        """Build what is missing and switch on with a full tray. Raises ``ToolMissingError``, ``RuntimeError``."""
        for folder in (self._out, self._control, self._spool, self._keys):
            folder.mkdir(parents=True, exist_ok=True)
        self._set("sheets", FULL_TRAY)
        command = self._work / "paper_path.sh"
        words = (sys.executable, "-I", "-S", paper_path.__file__, str(self._control), str(self._out))
        # The paper path loses power with the printer.
        command.write_text(f'#!/bin/sh\nunset LD_PRELOAD\nexec {shlex.join((*_mortal(), *words))} "$1"\n', "utf-8")
        command.chmod(0o700)
        for _ in range(START_ATTEMPTS):
            self._port = _free_port()
            with contextlib.suppress(_PortTakenError):
                await self.plug()
                return
        raise RuntimeError("no free port for the printer")

    async def stop(self) -> None:
        """Switch off and leave nothing running. Idempotent."""
        await self.unplug()

    async def plug(self) -> None:
        """Switch on, on the same port as before."""
        if self._process is not None:
            return
        printer = require("ippeveprinter", "cups-ipp-utils")
        stub = await build_stub(self._build)
        options = ["-K", str(self._keys), "-p", str(self._port), "-n", "localhost", "-r", "off", "-d", str(self._spool)]
        options += ["-f", "application/pdf", "-s", "12", "-c", str(self._work / "paper_path.sh"), "Tongban A4"]
        if self._duplex:
            options.insert(0, "-2")
        # Its own temporary folder and home, nothing of the caller's surroundings.
        environment = {"PATH": os.defpath, "LANG": "C.UTF-8", "LD_PRELOAD": str(stub)}
        environment |= {"HOME": str(self._work), "TMPDIR": str(self._work)}
        with (self._work / "printer.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *_mortal(),
                printer,
                *options,
                env=environment,
                cwd=self._work,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a group of its own, so that its paper path loses power with it
            )
        try:
            await self._await_ready(self._process)
        except BaseException:
            await self.unplug()
            raise
        await self._show_paper()

    async def unplug(self) -> None:
        """Pull the power plug: printer and paper path end at once, what was spooled is gone."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        shutil.rmtree(self._spool, ignore_errors=True)
        self._spool.mkdir(parents=True, exist_ok=True)

    async def mute(self) -> None:
        """Let it take connections and answer nothing, as a printer whose program hangs."""
        self._signal(signal.SIGSTOP)

    async def unmute(self) -> None:
        """Let it go on where it was."""
        self._signal(signal.SIGCONT)

    async def set_paper(self, present: bool) -> None:
        """Fill or empty the tray; the printer's state shows it at once, job or not."""
        await self._load(FULL_TRAY if present else 0)

    async def load_size(self, media: str) -> None:
        """Fill the tray with paper of another size, by its PWG name."""
        self._set("sheets", FULL_TRAY)
        await self._show_paper(media)

    async def paper_low(self) -> None:
        """Leave a few sheets: the printer warns."""
        await self._load(LOW_TRAY)

    def paper_after(self, sheets: int) -> None:
        """Let the tray run out after so many more sheets; the printer only notices when it reaches for the next."""
        self._set("sheets", sheets)

    async def jam(self, on: bool) -> None:
        """Jam the next sheet, or clear the paper path."""
        if on:
            (self._control / "jam").touch()
            return
        (self._control / "jam").unlink(missing_ok=True)
        if self._process is not None:  # a printer that is off finds out when it starts
            await self.report(remove="media-jam")

    def slow(self, seconds: float) -> None:
        """Set how long each sheet takes."""
        self._set("slow", seconds)

    def deaf(self, on: bool) -> None:
        """Let cancelling come too late, as at a printer whose pages are on their way already."""
        if on:
            (self._control / "deaf").touch()
        else:
            (self._control / "deaf").unlink(missing_ok=True)

    def lose(self, sheets: int) -> None:
        """Leave the last sheets of each job uncounted, as a printer does that completes what it did not print."""
        self._set("lose", sheets)

    async def toner(self, percent: int) -> None:
        """Set the toner level: 0 is empty, below 10 low."""
        await self._get(f"/supplies?supply0={WASTE}&supply1={percent}")

    async def report(self, *, add: str = "", remove: str = "") -> None:
        """Set or clear one printer-state-reason, e.g. ``cover-open``, as the machine's own sensors would."""
        lines = [f"STATE: {sign}{word}" for sign, word in (("+", add), ("-", remove)) if word]
        panel = self._control / "panel"
        unfinished = panel.with_suffix(".part")
        unfinished.write_text("\n".join(lines) + "\n", "ascii")
        unfinished.rename(panel)
        # A running job's paper path picks the lines up; without one, a job of the machine's own carries them.
        while panel.exists():
            await self._service_job()
            await asyncio.sleep(POLL_S)
        await self._idle()
        for _ in itertools.count():  # the printer reads what its paper path said a moment later
            said = await self._reasons()
            if add in said and not (remove and remove in said):
                return
            await asyncio.sleep(POLL_S)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            os.kill(self._process.pid, number)

    async def _idle(self) -> None:
        for _ in itertools.count():
            if not any(self._spool.iterdir()):
                return
            await asyncio.sleep(POLL_S)

    async def _load(self, sheets: int) -> None:
        self._set("sheets", sheets)
        await self._show_paper()

    async def _show_paper(self, media: str = A4) -> None:
        if self._process is None:
            return
        sheets = int(float((self._control / "sheets").read_text("ascii")))
        level = FULL_TRAY if sheets > LOW_TRAY else min(sheets, LOW_TRAY)
        tray = f"size1={media}&type1=stationery&level1={level}"
        await self._get(f"/media?{tray}&size3=&type3=&level3=-2")  # the by-pass tray holds nothing and does not count

    async def _get(self, path: str) -> None:
        """Use the printer's own web form."""
        await self._exchange(f"GET {path} HTTP/1.1\r\n", b"")

    async def _service_job(self) -> None:
        name = paper_path.attribute(0x42, "job-name", paper_path.SERVICE_JOB.encode())
        kind = paper_path.attribute(0x49, "document-format", b"application/pdf")
        await self._request(PRINT_JOB, name + kind, b"%PDF-1.4\n")

    async def _reasons(self) -> str:
        """Return the words the printer says of its state, together with whatever else its answer holds."""
        wanted = paper_path.attribute(0x44, "requested-attributes", b"printer-state-reasons")
        return (await self._request(GET_PRINTER_ATTRIBUTES, wanted)).decode("latin-1")

    async def _request(self, operation: int, attributes: bytes, document: bytes = b"") -> bytes:
        body = struct.pack(">BBHI", 2, 0, operation, 1) + b"\x01"
        body += paper_path.attribute(0x47, "attributes-charset", b"utf-8")
        body += paper_path.attribute(0x48, "attributes-natural-language", b"en")
        body += paper_path.attribute(0x45, "printer-uri", self.uri.encode()) + attributes + b"\x03" + document
        return await self._exchange("POST /ipp/print HTTP/1.1\r\nContent-Type: application/ipp\r\n", body)

    async def _exchange(self, head: str, body: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            head += f"Host: 127.0.0.1:{self._port}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode("ascii") + body)
            writer.write_eof()  # the printer keeps connections open whatever the head says
            return await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()

    async def _await_ready(self, process: asyncio.subprocess.Process) -> None:
        async with asyncio.timeout(START_S):
            while True:
                if process.returncode is not None:
                    said = (self._work / "printer.log").read_text("utf-8", "replace").strip()
                    if "in use" in said:
                        raise _PortTakenError(said)
                    raise RuntimeError(f"ippeveprinter ended at once: {said}")
                with contextlib.suppress(ConnectionError):
                    await self._get("/")
                    return
                await asyncio.sleep(POLL_S)

    def _set(self, name: str, value: float) -> None:
        paper_path.write(self._control / name, value)


class _PortTakenError(Exception):
    """Somebody else was quicker."""


def _mortal() -> tuple[str, ...]:
    """Return the words before a command that ends it with its parent, however that ends (prctl PR_SET_PDEATHSIG)."""
    return (require("setpriv", "util-linux"), "--pdeathsig", "KILL", "--")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

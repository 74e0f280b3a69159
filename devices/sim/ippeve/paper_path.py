"""The paper path of the simulated A4 printer: the command ``ippeveprinter -c`` runs for each document.

Runs alone (``python -I -S``), so it imports nothing of ours. Arguments: control folder, output folder, spooled file.
Control files, written by ``IppMachine`` and read before each sheet:

``sheets``  how many sheets are in the tray
``jam``     exists: the next sheet jams
``slow``    seconds each sheet takes
``lose``    how many sheets at the end the counter does not see
``deaf``    exists: nobody notices that a job is cancelled
``panel``   lines for the printer's own state, e.g. ``STATE: +cover-open``

The document appears in the output folder only when its last sheet is out.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import struct
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

TICK_S = 0.02
GET_JOB_ATTRIBUTES = 0x0009
END_OF_FILE = b"%%EOF"  # ISO 32000-1 7.5.5
TRAILER = 1024  # bytes at the end in which readers look for it
SERVICE_JOB = "tongban-service-panel"  # carries state lines, no paper


class CancelledHere(Exception):
    """The job was cancelled at the printer."""


class Jammed(Exception):
    """A sheet is stuck."""


class Unreadable(Exception):
    """The document breaks off: an interpreter gives up before the first sheet."""


class PaperPath:
    """One document on its way through the machine."""

    def __init__(self, control: Path, out: Path, document: Path) -> None:
        self.control = control
        self.out = out
        self.document = document

    def run(self) -> None:
        """Print every sheet, then let the document come out."""
        self.panel()
        if os.environ.get("IPP_JOB_NAME") == SERVICE_JOB:
            return
        pdf = self.document.read_bytes()
        if END_OF_FILE not in pdf[-TRAILER:]:
            raise Unreadable
        pages = count_pages(pdf)
        lost = int(self.value("lose", 0))
        for page in range(1, pages + 1):
            self.await_paper()
            self.pass_time(self.value("slow", 0))
            if (self.control / "jam").exists():
                raise Jammed
            self.refuse_if_cancelled()
            write(self.control / "sheets", int(self.value("sheets", 0)) - 1)
            if page <= pages - lost:
                say(f"ATTR: job-impressions-completed={page}")
        self.deliver()

    def await_paper(self) -> None:
        """Wait at an empty tray until somebody fills it."""
        if self.value("sheets", 0) > 0:
            return
        say("STATE: +media-empty")
        while self.value("sheets", 0) <= 0:
            self.refuse_if_cancelled()
            self.panel()
            time.sleep(TICK_S)
        say("STATE: -media-empty")

    def pass_time(self, seconds: float) -> None:
        """Take as long as a sheet takes."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.refuse_if_cancelled()
            self.panel()
            time.sleep(min(TICK_S, left))

    def refuse_if_cancelled(self) -> None:
        """Stop before paper of a cancelled job comes out."""
        if (self.control / "deaf").exists():
            return
        if cancelled(os.environ["IPP_JOB_PRINTER_URI"], int(os.environ["IPP_JOB_ID"])):
            raise CancelledHere

    def panel(self) -> None:
        """Pass on what the machine's sensors have to say."""
        path = self.control / "panel"
        if path.exists():
            taken = path.with_suffix(".taken")
            path.rename(taken)
            for line in taken.read_text("ascii").splitlines():
                say(line)
            taken.unlink()

    def deliver(self) -> None:
        """Let the document come out."""
        number = 1 + sum(1 for _ in self.out.glob("print-*.pdf"))
        unfinished = self.out / f".print-{number:03d}.part"
        shutil.copyfile(self.document, unfinished)
        unfinished.rename(self.out / f"print-{number:03d}.pdf")

    def value(self, name: str, default: float) -> float:
        """Return a control value."""
        try:
            return float((self.control / name).read_text("ascii"))
        except FileNotFoundError:
            return default


def count_pages(pdf: bytes) -> int:
    """Count pages: the root of the page tree has the largest /Count."""
    counts = [
        int(found[1])
        for tree in re.finditer(rb"/Type\s*/Pages\b", pdf)
        if (found := re.search(rb"/Count\s+(\d+)", enclosing_object(pdf, tree.start())))
    ]
    return max(counts, default=1)


def enclosing_object(pdf: bytes, at: int) -> bytes:
    """Return the text of the indirect object around ``at``."""
    return pdf[max(pdf.rfind(b"obj", 0, at), 0) : pdf.find(b"endobj", at)]


def cancelled(printer: str, job_id: int) -> bool:
    """Ask the printer whether somebody cancelled the job: its state stays *processing* until this command ends."""
    message = struct.pack(">BBHI", 2, 0, GET_JOB_ATTRIBUTES, job_id) + b"\x01"
    message += attribute(0x47, "attributes-charset", b"utf-8") + attribute(0x48, "attributes-natural-language", b"en")
    message += attribute(0x45, "printer-uri", printer.encode()) + attribute(0x21, "job-id", struct.pack(">i", job_id))
    message += attribute(0x44, "requested-attributes", b"job-state-reasons") + b"\x03"
    address = urlsplit(printer)
    head = f"POST {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n"
    head += f"Content-Type: application/ipp\r\nContent-Length: {len(message)}\r\n\r\n"
    answer = b""
    with socket.create_connection(("127.0.0.1", address.port or 631), timeout=2) as link:
        link.sendall(head.encode() + message)
        link.shutdown(socket.SHUT_WR)  # the printer keeps connections open whatever the head says
        while piece := link.recv(4096):
            answer += piece
    return b"processing-to-stop-point" in answer


def attribute(tag: int, name: str, value: bytes) -> bytes:
    """Encode one IPP attribute."""
    return struct.pack(">BH", tag, len(name)) + name.encode() + struct.pack(">H", len(value)) + value


def write(path: Path, value: float) -> None:
    """Replace a control value in one step."""
    unfinished = path.with_suffix(".part")
    unfinished.write_text(str(value), "ascii")
    unfinished.rename(path)


def say(line: str) -> None:
    """Tell the printer about state; it reads standard error."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def main() -> int:
    """Return 0 when the paper is out."""
    control, out, document = (Path(argument) for argument in sys.argv[1:4])
    document.with_suffix(".prn").unlink(missing_ok=True)  # where the printer would keep this command's output
    try:
        PaperPath(control, out, document).run()
    except Jammed:
        say("STATE: +media-jam")
        return 1
    except (CancelledHere, Unreadable):
        return 1
    finally:
        document.unlink(missing_ok=True)  # the printer itself would keep it for another minute
    return 0


if __name__ == "__main__":
    sys.exit(main())

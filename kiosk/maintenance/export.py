"""The log for support, without personal data: what the terminal said of itself, the service book, the sections.

Events hold no personal data by their types. The scan before a file is written is the second lock: it looks for what a
bug could have let through, and one hit refuses the whole export and names file and line, never the text.
"""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from kiosk.event_log import record
from kiosk.maintenance.keeping import FILE_MODE, FOLDER_MODE, flush_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from devices.values import Clock
    from kiosk.events import Event

LOG_FOLDER: Final = "log"
MOST_DAY_BYTES: Final = 32 * 1024 * 1024  # some 150 000 lines; a storm of events must not fill the disk
FACTORS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643, ISO 7064 MOD 11-2
CHECK_DIGITS: Final = "10X98765432"
RESIDENT_ID: Final = re.compile(
    r"(?<![0-9A-Za-z])([1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])\d{3}[\dXx])(?![0-9A-Za-z])"
)
RESIDENCE_2017: Final = re.compile(r"(?<![0-9A-Za-z])[A-Z]{3}\d{12}(?![0-9A-Za-z])")  # foreigners' cards of 2017
MOBILE: Final = re.compile(r"(?<![0-9A-Za-z.])1[3-9]\d{9}(?![0-9A-Za-z]|\.\d)")
CARD_NUMBER: Final = re.compile(r"(?<![0-9A-Za-z])\d{16,19}(?![0-9A-Za-z])")
RANDOM: Final = re.compile(r'"(?:visit|text_sha256|key)": ?"(?:kiosk-)?[0-9a-f]{16,64}"')
"""Fields that hold random digits: one visit in a thousand looks like a card number by chance."""


class PersonalDataFound(Exception):
    """A line looks like personal data. Neither text nor kind of it is kept, only where it stands."""

    def __init__(self, file: str, line: int) -> None:
        super().__init__(f"{file}, line {line}")
        self.file = file
        self.line = line


@dataclass(frozen=True, slots=True)
class Exported:
    """A finished export."""

    name: str
    size: int


class LogKeeper:
    """Keeps the event lines of the last days in files of a day each, for the export; not flushed, bounded."""

    def __init__(self, folder: Path, clock: Clock, days: int) -> None:
        """Make the folder. Raises ``OSError``."""
        self._folder = folder / LOG_FOLDER
        self._clock = clock
        self._days = days
        self._folder.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
        self._day: date | None = None

    def hear(self, event: Event) -> None:
        """Keep one event. A full disk costs lines here, never the terminal."""
        now = self._clock.now()
        line = json.dumps(record(event, now), ensure_ascii=False) + "\n"
        try:
            if now.date() != self._day:
                self._sweep(now.date())
            self._append(self._folder / f"{now.date()}.jsonl", line.encode())
        except OSError:
            self._day = None  # swept again with the next line

    def _append(self, path: Path, line: bytes) -> None:
        # Opened for each line: they are few, and a handle that is kept would keep a file that was swept away.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, FILE_MODE)
        try:
            if os.fstat(handle).st_size + len(line) <= MOST_DAY_BYTES:
                os.write(handle, line)
        finally:
            os.close(handle)

    def _sweep(self, day: date) -> None:
        self._day = day
        oldest = day - timedelta(days=self._days)
        for path in self._folder.glob("*.jsonl"):
            if path.stem < oldest.isoformat():
                path.unlink()


def export(
    folder: Path, target: Path, *, kiosk: str, at: str, sections: object, canaries: Iterable[str] = ()
) -> Exported:
    """Write a ZIP of log, book and sections into the folder ``target``. Blocks.

    ``canaries`` are further strings that must not be in it. Raises ``PersonalDataFound`` before anything is written,
    ``OSError``.
    """
    parts = dict(_parts(folder)) | {"sections.json": json.dumps(sections, ensure_ascii=False, indent=1)}
    scan(parts, tuple(canaries))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(parts.items()):
            archive.writestr(name, content)
    name = f"tongban-{kiosk}-{re.sub(r'[^0-9]', '', at)[:14]}.zip"
    draft = target / f".{name}.part"
    try:
        with draft.open("wb") as stream:
            stream.write(packed.getvalue())
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(target / name)
        flush_folder(target)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    return Exported(name, len(packed.getvalue()))


def scan(parts: Mapping[str, str], canaries: tuple[str, ...] = ()) -> None:
    """Look at every line. Raises ``PersonalDataFound`` for the first that looks personal."""
    for name, content in parts.items():
        for number, line in enumerate(content.splitlines(), start=1):
            if _looks_personal(RANDOM.sub('""', line), canaries):
                raise PersonalDataFound(name, number)


def sticks(root: Path) -> tuple[Path, ...]:
    """Return the writable mount points below ``root``, newest first: where a USB stick lies. Blocks."""
    if not root.is_dir():
        return ()
    found = [path for path in (*root.iterdir(), *root.glob("*/*")) if path.is_mount() and os.access(path, os.W_OK)]
    return tuple(sorted(found, key=lambda path: path.stat().st_ctime, reverse=True))


def _parts(folder: Path) -> Iterator[tuple[str, str]]:
    for path in (*folder.glob("book*.jsonl"), *folder.glob(f"{LOG_FOLDER}/*.jsonl")):
        yield path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8", errors="replace")


def _looks_personal(line: str, canaries: tuple[str, ...]) -> bool:
    return (
        any(canary in line for canary in canaries)
        or any(_is_resident_id(found) for found in RESIDENT_ID.findall(line))
        or RESIDENCE_2017.search(line) is not None
        or MOBILE.search(line) is not None
        or any(_luhn(found) for found in CARD_NUMBER.findall(line))
    )


def _is_resident_id(number: str) -> bool:
    total = sum(int(digit) * factor for digit, factor in zip(number[:17], FACTORS, strict=True))
    return CHECK_DIGITS[total % 11] == number[17].upper()


def _luhn(number: str) -> bool:
    """Tell whether the last digit fits the others (ISO/IEC 7812-1 annex B)."""
    doubled = (int(digit) * (1 + at % 2) for at, digit in enumerate(reversed(number)))
    return sum(sum(divmod(value, 10)) for value in doubled) % 10 == 0

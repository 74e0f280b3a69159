"""A disk that is replayed event by event and can be cut at any instant.

The model. A file has the content its process sees, the content that is durable, and the changes between the two: each
write, truncation and growth since its last fsync or fdatasync. Names (files made, renamed, removed) form one list for
the whole folder, in order, as the journal of ext4 keeps them; an fsync of a folder makes all of it so far durable.

``KEPT``   everything written is there: the process was killed, the machine went on.
``LOST``   only what was flushed is there, and only under names flushed with their folder: POSIX and no more.
           (ext4 would make the names durable when a file is flushed, too; this model gives nothing for that.)
``MIXED``  durable content plus, for each change not flushed, at random: kept, dropped, or torn: any subset of its
           512-byte sectors, its effect on the size kept or not. Names: some first part of the list not flushed.

Writes are independent of each other: a later one may be there and an earlier one not, which is more than a disk with a
cache can do. What is not modelled: a sector that is neither old nor new (an interrupted sector write that destroys
it), harm to bytes beside a write (SQLite's powersafe overwrite assumption), bits that rot later, a file system whose
own journal is damaged, and a disk that forgets flushed data, except by :attr:`Disk.lying`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.cuts.recorder import Op

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from tests.cuts.recorder import Event

SECTOR: Final = 512  # bytes a disk writes whole, the smallest in use; 4096 tears less
_TEMPERS: Final = ((0.05, 0.0), (0.95, 0.0), (0.4, 0.4), (0.1, 0.8), (0.8, 0.1))  # chances of kept and torn in one cut


class Policy(enum.StrEnum):
    """What the cut leaves; see the module."""

    KEPT = "kept"
    LOST = "lost"
    MIXED = "mixed"


@dataclass(slots=True)
class Content:
    """Bytes of a file; beyond ``data`` up to ``size`` there is a hole of zeros."""

    data: bytearray = field(default_factory=bytearray)
    size: int = 0

    def write(self, offset: int, data: bytes) -> None:
        if offset > len(self.data):
            self.data.extend(bytes(offset - len(self.data)))
        self.data[offset : offset + len(data)] = data
        self.size = max(self.size, len(self.data))

    def resize(self, size: int) -> None:
        del self.data[size:]
        self.size = size

    def change(self, event: Event) -> None:
        if event.op is Op.WRITE:
            self.write(event.offset, event.data)
        elif event.op is Op.RESIZE:
            self.resize(event.offset)
        else:
            self.size = max(self.size, event.offset)

    def copy(self) -> Content:
        return Content(self.data[:], self.size)

    def whole(self) -> bytes:
        return bytes(self.data) + bytes(self.size - len(self.data))


@dataclass(slots=True)
class File:
    """One file, whatever its name: what the process sees, what is durable, and the changes between."""

    current: Content = field(default_factory=Content)
    durable: Content = field(default_factory=Content)
    unflushed: list[Event] = field(default_factory=list)

    def change(self, event: Event) -> None:
        self.current.change(event)
        self.unflushed.append(event)

    def flush(self) -> None:
        for event in self.unflushed:
            self.durable.change(event)
        self.unflushed.clear()

    def mixed(self, luck: random.Random, keep: float, tear: float) -> Content:
        content = self.durable.copy()
        for event in self.unflushed:
            chance = luck.random()
            if chance < keep:
                content.change(event)
            elif chance < keep + tear and event.op is Op.WRITE:
                _tear(content, event, luck)
        return content


@dataclass(frozen=True, slots=True)
class Naming:
    """One change of a name: made (``file``), removed (``None``), or moved from ``old``."""

    name: str
    file: File | None = None
    old: str = ""

    def apply(self, names: dict[str, File]) -> None:
        if self.old:
            names[self.name] = names.pop(self.old)
        elif self.file is not None:
            names[self.name] = self.file
        else:
            names.pop(self.name, None)


class Disk:
    """Apply events in order; :meth:`image` is what a cut at this instant leaves."""

    def __init__(self, before: Mapping[str, bytes] | None = None) -> None:
        self.lying = False  # flushes are acknowledged and not done: what the plug-pull rig looks for on real disks
        self._names: dict[str, File] = {}
        self._handles: dict[int, File | None] = {}  # None: a folder
        for name, raw in (before or {}).items():
            self._names[name] = File(Content(bytearray(raw), len(raw)), Content(bytearray(raw), len(raw)))
        self._durable_names = dict(self._names)
        self._namings: list[Naming] = []

    def apply(self, event: Event) -> None:
        """Take the next event in. A ``KeyError`` means a log with a hole."""
        match event.op:
            case Op.OPEN:
                self._handles[event.handle] = self._names.get(event.name)
            case Op.CREATE:
                file = self._handles[event.handle] = File()
                self._name(Naming(event.name, file))
            case Op.WRITE | Op.RESIZE | Op.GROW:
                file_ = self._handles[event.handle]
                if file_ is None:
                    raise KeyError(f"a change of a folder's bytes: {event}")
                file_.change(event)
            case Op.FLUSH if not self.lying:
                self._flush(self._handles[event.handle])
            case Op.REMOVE:
                self._name(Naming(event.name))
            case Op.RENAME:
                old, _, new = event.name.partition("\0")
                self._name(Naming(new, old=old))
            case _:
                pass  # marks are words, an empty folder holds nothing, a lying flush does nothing

    def image(self, policy: Policy, luck: random.Random | None = None) -> dict[str, Content]:
        """Return name -> content. ``MIXED`` needs ``luck``. The contents belong to the disk: read, do not change."""
        if policy is Policy.KEPT:
            return {name: file.current for name, file in self._names.items()}
        if policy is Policy.LOST:
            return {name: file.durable for name, file in self._durable_names.items()}
        if luck is None:
            raise ValueError("a mixed image needs luck")
        names = dict(self._durable_names)
        for naming in self._namings[: luck.randint(0, len(self._namings))]:
            naming.apply(names)
        keep, tear = luck.choice(_TEMPERS)
        return {name: file.mixed(luck, keep, tear) for name, file in names.items()}

    def _name(self, naming: Naming) -> None:
        naming.apply(self._names)
        self._namings.append(naming)

    def _flush(self, file: File | None) -> None:
        if file is not None:
            file.flush()
            return
        for naming in self._namings:
            naming.apply(self._durable_names)
        self._namings.clear()


def _tear(content: Content, event: Event, luck: random.Random) -> None:
    """Apply some of the sectors of a write; its end counts for the size or not."""
    first, last = event.offset // SECTOR, (event.offset + len(event.data) - 1) // SECTOR
    for sector in range(first, last + 1):
        if luck.getrandbits(1):
            start = max(event.offset, sector * SECTOR)
            end = min(event.offset + len(event.data), (sector + 1) * SECTOR)
            content.write(start, event.data[start - event.offset : end - event.offset])
    if luck.getrandbits(1):
        content.size = max(content.size, event.offset + len(event.data))

"""A file somebody carries by hand: a head, lines, and a digest that tells a whole copy from a cut or altered one.

::

    {"format": "tongban/queue/1", "kiosk": …, "epoch": …, "created": …, "count": items, "of": null}
    one signed batch, or one signed reply, as it travels on the wire      (each on its own line)
    {"sha256": "<64 hex>"}                             SHA-256 of all bytes before this line

The digest protects from bad sticks, not from people: what proves the content are the signatures inside it.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final

from offline_queue.wire import MAX_REQUEST_BYTES, WireError
from offline_queue.wire.fields import Fields, from_json, to_json
from offline_queue.wire.identity import EPOCH_BYTES, KIOSK, MAX_SEQ

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

QUEUE: Final = "tongban/queue/1"
REPLIES: Final = "tongban/replies/1"
_MAX_HEAD: Final = 1024


class CarryError(Exception):
    """A file that cannot be used; the text says which, why and what to do. It holds no content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a file says of itself. ``of``: of replies, the digest of the file they answer."""

    format: str
    kiosk: str
    epoch: str
    created: datetime
    count: int
    of: str | None = None


@dataclass(frozen=True, slots=True)
class CarryFile:
    """A file that is whole. :meth:`lines` reads it again: it may be larger than memory."""

    path: Path
    head: Head
    digest: str

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield number and content of each line between head and digest."""
        with self.path.open("rb") as file:
            file.readline()
            number, line = 2, file.readline()
            while following := file.readline():
                yield number, line.rstrip(b"\n")
                number, line = number + 1, following


def write(path: Path, head: Head, lines: Iterable[bytes], *, replace: bool = False) -> None:
    """Write a file whole and flushed, or not at all, for its owner alone. Raises ``CarryError``."""
    if not replace and path.exists():
        raise CarryError(f"{path} is there already: name another file, or take that one away first")
    draft = path.with_name(path.name + ".part")
    try:
        _write(draft, chain([to_json(_told(head))], lines))
        draft.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise CarryError(f"{path} cannot be written: {error.strerror}: check the stick and its room") from error
    finally:
        draft.unlink(missing_ok=True)


def read(path: Path) -> CarryFile:
    """Check a file from end to end. Raises ``CarryError``."""
    digest, before, first = hashlib.sha256(), b"", b""
    try:
        with path.open("rb") as file:
            while line := file.readline(MAX_REQUEST_BYTES):
                digest.update(before)
                first, before = first or line, line
    except OSError as error:
        raise CarryError(f"{path} cannot be read: {error.strerror}") from error
    head = _head(path, first)
    try:
        expected = Fields(from_json(before, _MAX_HEAD), "", []).hexadecimal("sha256", digest.digest_size)
    except WireError:
        expected = b""
    if not any(expected) or not before.endswith(b"\n"):
        raise CarryError(f"{path} ends too early: copy it again, and take the stick out only when it is released")
    if expected != digest.digest():
        raise CarryError(f"{path} is not what was written, a part of it was changed: copy or export it again")
    return CarryFile(path, head, digest.hexdigest())


def _write(draft: Path, lines: Iterable[bytes]) -> None:
    digest = hashlib.sha256()
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        for line in lines:
            digest.update(line + b"\n")
            file.write(line + b"\n")
        file.write(to_json({"sha256": digest.hexdigest()}) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _told(head: Head) -> dict[str, object]:
    return {
        "format": head.format,
        "kiosk": head.kiosk,
        "epoch": head.epoch,
        "created": head.created.isoformat(),
        "count": head.count,
        "of": head.of,
    }


def _head(path: Path, raw: bytes) -> Head:
    problems: list[str] = []
    try:
        fields = Fields(from_json(raw, _MAX_HEAD), "", problems)
    except WireError:
        raise CarryError(f"{path} is no file of a terminal: it does not begin with a head") from None
    head = Head(
        format=fields.text("format", f"{QUEUE}|{REPLIES}"),
        kiosk=fields.text("kiosk", KIOSK),
        epoch=fields.hexadecimal("epoch", EPOCH_BYTES).hex(),
        created=fields.moment("created"),
        count=fields.integer("count", 0, MAX_SEQ),
        of=fields.optional_text("of", "[0-9a-f]{64}"),
    )
    fields.done()
    if problems:
        raise CarryError(f"{path} is no file of a terminal, or of a newer version: {'; '.join(problems)}")
    return head

"""Strict JSON reading: every problem is collected and named by its place; values never appear in the texts."""

from __future__ import annotations

import base64
import binascii
import json
import re
from datetime import UTC, datetime
from typing import Final

_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True)
_MAX_NAMED_PROBLEMS: Final = 20  # a hostile batch of 50 items may not fill a log


class WireError(ValueError):
    """Bytes from the other end do not have the agreed shape. ``problems`` names all of them, without values."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        shown = "; ".join(self.problems[:_MAX_NAMED_PROBLEMS])
        more = len(self.problems) - _MAX_NAMED_PROBLEMS
        super().__init__(shown + (f"; and {more} more" if more > 0 else ""))


def canonical(label: str, values: list[str | int | None]) -> bytes:
    """Return the one byte form of ``values`` under ``label``: what is signed, hashed or authenticated.

    The label separates purposes: a signature over one thing can never be shown as a signature over another.
    """
    return f"{label}\n{_ENCODER.encode(values)}".encode("ascii")


def to_json(value: object) -> bytes:
    """Encode without spaces, ASCII only."""
    return _ENCODER.encode(value).encode("ascii")


def from_json(raw: bytes, limit: int) -> object:
    """Decode strictly: UTF-8, no repeated keys, no NaN. Raises ``WireError``."""
    if len(raw) > limit:
        raise WireError([f"larger than {limit} bytes"])
    try:
        return json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except WireError:
        raise
    except (ValueError, RecursionError) as error:  # includes wrong UTF-8 and wrong JSON
        raise WireError(["not JSON"]) from error


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise WireError(["a key appears twice in one object"])
    return found


def _no_constant(_name: str) -> float:
    raise WireError(["NaN or Infinity"])


class Fields:
    """One JSON object being read. Each reader returns a neutral value on a problem; the caller raises at the end."""

    def __init__(self, value: object, where: str, problems: list[str]) -> None:
        self._where = where
        self._problems = problems
        self._seen: set[str] = set()
        self._values: dict[str, object] = {}
        if isinstance(value, dict):
            self._values = value
        else:
            problems.append(f"{where or 'document'}: not an object")

    def done(self) -> None:
        """Report keys nobody asked for."""
        unknown = len(self._values.keys() - self._seen)
        if unknown:
            self._problems.append(f"{self._where or 'document'}: {unknown} unknown key(s)")

    def values(self, names: tuple[str, ...]) -> list[object]:
        """Return the values of exactly these keys, unread; in their place something else when there are other keys."""
        exact = len(self._values) == len(names)
        return [self._values.get(name, self) if exact else self for name in names]

    def text(self, name: str, pattern: str) -> str:
        """Read a string that matches the whole pattern."""
        value = self._get(name)
        if isinstance(value, str) and re.fullmatch(pattern, value):
            return value
        self._problem(name, "not a valid text")
        return ""

    def optional_text(self, name: str, pattern: str) -> str | None:
        """Read a matching string or null."""
        return None if self._null(name) else self.text(name, pattern)

    def integer(self, name: str, low: int, high: int) -> int:
        """Read an integer within bounds, both included."""
        value = self._get(name)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self._problem(name, f"not an integer from {low} to {high}")
        return low

    def optional_integer(self, name: str, low: int, high: int) -> int | None:
        """Read an integer or null."""
        return None if self._null(name) else self.integer(name, low, high)

    def hexadecimal(self, name: str, length: int) -> bytes:
        """Read lower-case hex of exactly ``length`` bytes."""
        value = self._get(name)
        if isinstance(value, str) and re.fullmatch(rf"[0-9a-f]{{{2 * length}}}", value):
            return bytes.fromhex(value)
        self._problem(name, f"not {2 * length} lower-case hex digits")
        return bytes(length)

    def base64(self, name: str, low: int, high: int) -> bytes:
        """Read standard base64 of ``low`` to ``high`` bytes."""
        value = self._get(name)
        try:
            raw = base64.b64decode(value, validate=True) if isinstance(value, str) else None
        except (ValueError, binascii.Error):
            raw = None
        if raw is not None and low <= len(raw) <= high:
            return raw
        self._problem(name, f"not base64 of {low} to {high} bytes")
        return b""

    def moment(self, name: str) -> datetime:
        """Read an RFC 3339 time in UTC."""
        value = self._get(name)
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else None
            if moment is not None and moment.tzinfo is not None:
                return moment.astimezone(UTC)
        except (ValueError, OverflowError):  # in the year 1 or 9999 there may be no such moment in UTC
            pass
        self._problem(name, "not a time with its zone")
        return datetime.fromtimestamp(0, UTC)

    def optional_moment(self, name: str) -> datetime | None:
        """Read a time or null."""
        return None if self._null(name) else self.moment(name)

    def nested(self, name: str) -> Fields:
        """Read one object."""
        return Fields(self._get(name), self._path(name), self._problems)

    def objects(self, name: str, high: int) -> list[Fields]:
        """Read a list of up to ``high`` objects."""
        value = self._get(name)
        if isinstance(value, list) and len(value) <= high:
            return [Fields(entry, f"{self._path(name)}[{index}]", self._problems) for index, entry in enumerate(value)]
        self._problem(name, f"not a list of at most {high}")
        return []

    def _get(self, name: str) -> object:
        self._seen.add(name)
        return self._values.get(name)

    def _null(self, name: str) -> bool:
        self._seen.add(name)
        return name in self._values and self._values[name] is None

    def _path(self, name: str) -> str:
        return f"{self._where}.{name}" if self._where else name

    def _problem(self, name: str, what: str) -> None:
        self._problems.append(f"{self._path(name)}: {what if name in self._values else 'missing'}")

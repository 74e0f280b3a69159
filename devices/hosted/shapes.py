# ruff: noqa: D102 - what write and read do is said once, at Shape
"""The ways single values cross, and what they are written to and read from (``schema.py`` tells which is whose)."""

from __future__ import annotations

import math
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from devices.values import Pii, overwrite

if TYPE_CHECKING:
    import enum

MEMBERS_MAX: Final = 4096  # a slip has some hundred lines, a machine some ten sensors
INT64: Final = struct.Struct("!q")
FLOAT64: Final = struct.Struct("!d")
_COUNT: Final = struct.Struct("!I")


class WireError(Exception):
    """The bytes are not what the annotation says. The text names the type, never a value."""


class Writer:
    """Bytes that grow, and the personal values that went into them."""

    def __init__(self) -> None:
        self.bytes = bytearray()
        self.personal: list[Pii[Any]] = []

    def wipe(self) -> None:
        """Overwrite the bytes and forget the personal values they were made from."""
        overwrite(self.bytes)
        for value in self.personal:
            value.wipe()


class Reader:
    """Bytes that are used up from the front."""

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self._data = memoryview(data)
        self._at = 0

    def take(self, length: int) -> memoryview:
        """Return the next ``length`` bytes. Raises ``WireError`` when there are fewer."""
        end = self._at + length
        if end > len(self._data):
            raise WireError("cut short")
        piece, self._at = self._data[self._at : end], end
        return piece

    def count(self, most: int | None = None) -> int:
        """Return a count. Raises ``WireError`` above ``most``."""
        (number,) = _COUNT.unpack(self.take(_COUNT.size))
        if most is not None and number > most:
            raise WireError(f"{number} members, at most {most}")
        return int(number)

    def end(self) -> None:
        """Raise ``WireError`` when something is left."""
        if self._at != len(self._data):
            raise WireError("longer than its type")


class Shape(ABC):
    """One annotation's way over the line."""

    @abstractmethod
    def write(self, value: Any, to: Writer) -> None:
        """Append ``value``. Raises ``WireError`` when it is none of this type."""

    @abstractmethod
    def read(self, source: Reader) -> Any:
        """Return the next value. Raises ``WireError``."""


def parts_of(value: Any) -> Any:
    """Return a tuple as it is. Raises ``WireError`` for anything else."""
    checked(isinstance(value, tuple), "tuple")
    return value


def checked(fits: bool, name: str) -> None:
    """Raise ``WireError`` unless ``fits``."""
    if not fits:
        raise WireError(f"no {name}")


class NothingShape(Shape):
    """``None``."""

    def write(self, value: Any, to: Writer) -> None:
        del to
        checked(value is None, "None")

    def read(self, source: Reader) -> None:
        """Read nothing."""


class BoolShape(Shape):
    """``bool``."""

    def write(self, value: Any, to: Writer) -> None:
        checked(isinstance(value, bool), "bool")
        to.bytes.append(value)

    def read(self, source: Reader) -> bool:
        byte = source.take(1)[0]
        checked(byte <= 1, "bool")
        return bool(byte)


class NumberShape(Shape):
    """``int`` or ``float``."""

    def __init__(self, kind: type, packing: struct.Struct) -> None:
        self._kind, self._packing = kind, packing

    def write(self, value: Any, to: Writer) -> None:
        checked(isinstance(value, int | float) and not isinstance(value, bool), self._kind.__name__)
        try:
            to.bytes += self._packing.pack(value)
        except struct.error:
            raise WireError(f"no {self._kind.__name__} that fits") from None

    def read(self, source: Reader) -> int | float:
        number: int | float = self._packing.unpack(source.take(self._packing.size))[0]
        checked(math.isfinite(number), "finite number")
        return number


class TextShape(Shape):
    """``str``."""

    def write(self, value: Any, to: Writer) -> None:
        checked(isinstance(value, str), "str")
        try:
            data = value.encode()
        except UnicodeEncodeError:
            raise WireError("no text: half a surrogate pair") from None
        to.bytes += _COUNT.pack(len(data)) + data

    def read(self, source: Reader) -> str:
        try:
            return str(source.take(source.count()), "utf-8")
        except UnicodeDecodeError:
            raise WireError("no UTF-8") from None


class BytesShape(Shape):
    """``bytes`` or ``bytearray``."""

    def __init__(self, kind: type[bytes | bytearray]) -> None:
        self._kind = kind

    def write(self, value: Any, to: Writer) -> None:
        checked(isinstance(value, bytes | bytearray | memoryview), "bytes")
        to.bytes += _COUNT.pack(len(value))
        to.bytes += value

    def read(self, source: Reader) -> bytes | bytearray:
        return self._kind(source.take(source.count()))


class EnumShape(Shape):
    """A member of an enumeration, by its value."""

    def __init__(self, kind: type[enum.Enum]) -> None:
        self._kind, self._text = kind, TextShape()

    def write(self, value: Any, to: Writer) -> None:
        checked(isinstance(value, self._kind), self._kind.__name__)
        self._text.write(value.value, to)

    def read(self, source: Reader) -> enum.Enum:
        try:
            return self._kind(self._text.read(source))
        except ValueError:
            raise WireError(f"no {self._kind.__name__}") from None


class DateShape(Shape):
    """A calendar day."""

    _number = NumberShape(int, INT64)

    def write(self, value: Any, to: Writer) -> None:
        checked(isinstance(value, date), "date")
        self._number.write(value.toordinal(), to)

    def read(self, source: Reader) -> date:
        try:
            return date.fromordinal(int(self._number.read(source)))
        except (ValueError, OverflowError):
            raise WireError("no date") from None


class ManyShape(Shape):
    """A tuple of any length, or a frozen set."""

    def __init__(self, kind: type[tuple[Any, ...] | frozenset[Any]], member: Shape) -> None:
        self._kind, self._member = kind, member

    def write(self, value: Any, to: Writer) -> None:
        checked(isinstance(value, self._kind) and len(value) <= MEMBERS_MAX, self._kind.__name__)
        to.bytes += _COUNT.pack(len(value))
        for member in value:
            self._member.write(member, to)

    def read(self, source: Reader) -> tuple[Any, ...] | frozenset[Any]:
        return self._kind(self._member.read(source) for _ in range(source.count(MEMBERS_MAX)))


class RowShape(Shape):
    """A tuple of a given length, or the fields of a dataclass."""

    def __init__(
        self, members: tuple[Shape, ...], make: Callable[[list[Any]], Any], take: Callable[[Any], Any]
    ) -> None:
        self._members, self._make, self._take = members, make, take

    def write(self, value: Any, to: Writer) -> None:
        parts = self._take(value)
        checked(len(parts) == len(self._members), "tuple")
        for member, part in zip(self._members, parts, strict=True):
            member.write(part, to)

    def read(self, source: Reader) -> Any:
        return self._make([member.read(source) for member in self._members])


class MappingShape(Shape):
    """A mapping, in its order."""

    def __init__(self, key: Shape, value: Shape) -> None:
        self._pair = (key, value)

    def write(self, value: Any, to: Writer) -> None:
        checked(isinstance(value, Mapping) and len(value) <= MEMBERS_MAX, "Mapping")
        to.bytes += _COUNT.pack(len(value))
        for pair in value.items():
            for shape, part in zip(self._pair, pair, strict=True):
                shape.write(part, to)

    def read(self, source: Reader) -> dict[Any, Any]:
        key, value = self._pair
        return {key.read(source): value.read(source) for _ in range(source.count(MEMBERS_MAX))}


class UnionShape(Shape):
    """One of several types."""

    def __init__(self, members: tuple[Shape, ...]) -> None:
        self._members = members

    def write(self, value: Any, to: Writer) -> None:
        start, personal = len(to.bytes), len(to.personal)
        for number, member in enumerate(self._members):
            to.bytes.append(number)
            try:
                member.write(value, to)
            except WireError:
                del to.bytes[start:], to.personal[personal:]
            else:
                return
        raise WireError("none of the union's types")

    def read(self, source: Reader) -> Any:
        number = source.take(1)[0]
        checked(number < len(self._members), "member of the union")
        return self._members[number].read(source)


class PersonalShape(Shape):
    """A personal value, in the open: the line is this machine's own memory."""

    def __init__(self, inner: Shape) -> None:
        self._inner = inner

    def write(self, value: Any, to: Writer) -> None:
        checked(isinstance(value, Pii), "Pii")
        self._inner.write(value.reveal(), to)
        to.personal.append(value)

    def read(self, source: Reader) -> Pii[Any]:
        return Pii(self._inner.read(source))

"""How values cross between the terminal and a driver's process: as the annotations of the ports say, and no other way.

Nothing in the bytes names a type or a function, so a process that was taken over can send wrong values, and no code. A
reader refuses what is cut short, too long, too many or in no closed set, before it makes room for it.

| annotation | bytes (integers big-endian) |
|---|---|
| ``None`` | nothing |
| ``bool`` | one, 0 or 1 |
| ``int`` · ``float`` | eight: signed · IEEE 754 |
| ``str`` · ``bytes`` · ``bytearray`` | length in four, UTF-8 or the bytes themselves |
| an enumeration | its value as ``str`` |
| ``date`` | days since year 1 as ``int`` |
| ``tuple[T, ...]``, ``frozenset[T]``, ``Mapping[K, V]`` | count in four, the members |
| a union | one byte, which of its members; the value |
| a frozen dataclass | its fields in order |
| ``Pii[T]`` | as ``T``; the writer tells which values have to be wiped |
"""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from typing import Any, Final

from devices import (
    camera,
    card_reader,
    card_slot,
    document_camera,
    health,
    lights,
    pin_pad,
    power,
    printer,
    scanner,
    sensors,
    speech,
    values,
)
from devices import device as device_module
from devices.document_camera import Page
from devices.hosted.shapes import (
    FLOAT64,
    INT64,
    BoolShape,
    BytesShape,
    DateShape,
    EnumShape,
    ManyShape,
    MappingShape,
    NothingShape,
    NumberShape,
    PersonalShape,
    Reader,
    RowShape,
    Shape,
    TextShape,
    UnionShape,
    WireError,
    Writer,
    checked,
    parts_of,
)
from devices.values import Frame, Pii

CHANNELS: Final = 3  # RGB, 8 bits each
NAMES: Final[Mapping[str, object]] = {
    name: value
    for module in (
        values,
        health,
        device_module,
        camera,
        card_reader,
        card_slot,
        document_camera,
        lights,
        pin_pad,
        power,
        printer,
        scanner,
        sensors,
        speech,
    )
    for name, value in vars(module).items()
    if not name.startswith("_")
} | {"date": date, "Mapping": Mapping, "Callable": Callable}
"""What an annotation of a port may name: the ports import much of it for the type checker alone."""


def encoded(shape: Shape, value: object) -> Writer:
    """Return a writer that holds ``value``. Raises ``WireError``."""
    writer = Writer()
    shape.write(value, writer)
    return writer


def decoded(shape: Shape, data: bytes | bytearray | memoryview) -> Any:
    """Return the one value that ``data`` is. Raises ``WireError``."""
    reader = Reader(data)
    value = shape.read(reader)
    reader.end()
    return value


_PLAIN: Final[Mapping[object, Shape]] = {
    None: NothingShape(),
    type(None): NothingShape(),
    bool: BoolShape(),
    int: NumberShape(int, INT64),
    float: NumberShape(float, FLOAT64),
    str: TextShape(),
    bytes: BytesShape(bytes),
    bytearray: BytesShape(bytearray),
    date: DateShape(),
}


@cache
def shape_of(hint: Any) -> Shape:
    """Return the shape of an annotation that has been resolved. Raises ``TypeError`` for one that may not cross."""
    if hint in _PLAIN:
        return _PLAIN[hint]
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is Pii:
        return PersonalShape(shape_of(inner[0]))
    if origin in {typing.Union, types.UnionType}:
        return UnionShape(tuple(map(shape_of, inner)))
    if origin is frozenset or (origin is tuple and inner[-1] is Ellipsis):
        return ManyShape(origin, shape_of(inner[0]))
    if origin is tuple:
        return RowShape(tuple(map(shape_of, inner)), tuple, parts_of)
    if origin is Mapping:
        return MappingShape(shape_of(inner[0]), shape_of(inner[1]))
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return EnumShape(hint)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _record(hint)
    raise TypeError(f"{hint!r} cannot cross to a driver's process")


def _record(kind: type) -> Shape:
    hints = typing.get_type_hints(kind, localns=dict(NAMES))
    names = [field.name for field in dataclasses.fields(kind)]

    def make(parts: list[Any]) -> Any:
        try:
            value = kind(**dict(zip(names, parts, strict=True)))
        except (TypeError, ValueError):
            raise WireError(f"no {kind.__name__}") from None
        if isinstance(value, Frame | Page):
            checked(_whole(value), kind.__name__)
        return value

    def take(value: Any) -> list[Any]:
        checked(type(value) is kind, kind.__name__)
        return [getattr(value, name) for name in names]

    return RowShape(tuple(shape_of(hints[name]) for name in names), make, take)


def _whole(picture: Frame | Page) -> bool:
    """Tell whether there are as many bytes as the size says: those who draw and measure pictures count on it."""
    rgb = picture.rgb.reveal() if isinstance(picture.rgb, Pii) else picture.rgb
    return min(picture.width, picture.height) >= 0 and len(rgb) == picture.width * picture.height * CHANNELS

"""What a port's methods are on the line: read off the abstract methods themselves, so that a new port needs no code.

A parameter is a value (``schema.py``), a callable that is told values while the call runs (``on_progress``), or a
dialogue with a chip, whose commands go over one by one. A method that is not ``async`` answers from memory: what it
says travels with the greeting and with the end of ``open`` and ``probe``.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from devices.document_camera import Page
from devices.errors import DeviceFault, OutcomeUnknown
from devices.hosted.schema import NAMES, shape_of
from devices.roles import PORTS
from devices.values import Frame

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.device import Device
    from devices.errors import DeviceError
    from devices.hosted.shapes import Shape

VALUE_MAX: Final = 1 << 20  # bytes of any answer but a picture; a card with its photo has some 2 KiB
PICTURE_MAX: Final = 64 << 20  # a page camera of 16 megapixels in 24 bits has 48 MiB
ARGUMENTS_MAX: Final = 64 << 20  # a PDF on its way to a printer
CHANGES_STATE: Final = frozenset({"print", "accept", "present", "retain"})
"""Calls after which paper or a card is elsewhere: one that is cut off has an unknown outcome (devices/errors.py)."""
NEVER_RAISES: Final = frozenset({"close", "stop", "silence"})
"""As their ports promise."""
NONE_LOST: Final = frozenset({("PinPad", "key"), ("Sensors", "change"), ("Power", "changed")})
"""Calls whose answer, come too late for a caller that was cancelled, belongs to the next caller: their ports say so."""
STARTS_ANEW: Final = frozenset({"open", "close", "start", "stop"})
"""What came before one of these is dropped, as the ports say."""
SNAPSHOT_AFTER: Final = frozenset({"open", "probe"})
"""Calls after which the methods that answer from memory may say something else."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: ``shape`` of a value, or of what a callable is told; ``None`` for a dialogue."""

    name: str
    shape: Shape | None
    told: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One method."""

    name: str
    parameters: tuple[Parameter, ...]
    signature: inspect.Signature
    result: Shape | None  # None: what the dialogue returns, which never crosses
    asynchronous: bool
    limit: int  # bytes of the answer
    none_lost: bool

    @property
    def told(self) -> Parameter | None:
        """Return the parameter that is told values while the call runs."""
        return next((parameter for parameter in self.parameters if parameter.told), None)

    @property
    def dialogue(self) -> Parameter | None:
        """Return the parameter that is a dialogue."""
        return next((parameter for parameter in self.parameters if parameter.shape is None), None)


def port_of(role: str) -> type[Device]:
    """Return the port of a role. Raises ``KeyError``."""
    return typing.cast("type[Device]", PORTS[role])


@cache
def calls_of(port: type[Device]) -> Mapping[str, Call]:
    """Return the abstract methods of ``port`` by name. Raises ``TypeError`` for one that cannot cross."""
    return types.MappingProxyType({name: _call(port, name) for name in sorted(port.__abstractmethods__)})


def _call(port: type[Device], name: str) -> Call:
    method = getattr(port, name)
    hints = typing.get_type_hints(method, localns=dict(NAMES) | {"Dialogue": _Dialogue})
    signature = inspect.signature(method)
    named = [_parameter(each, hints[each]) for each in list(signature.parameters)[1:]]
    dialogue = any(parameter.shape is None for parameter in named)
    result = hints["return"]
    return Call(
        name=name,
        parameters=tuple(named),
        signature=signature.replace(parameters=list(signature.parameters.values())[1:]),
        result=None if dialogue else shape_of(result),
        asynchronous=inspect.iscoroutinefunction(method),
        limit=PICTURE_MAX if result in {Frame, Page} else VALUE_MAX,
        none_lost=any((kind.__name__, name) in NONE_LOST for kind in port.__mro__),
    )


def bug(name: str, what: str, device: str = "") -> DeviceError:
    """Return what a driver's bug in the middle of call ``name`` is: paper may be out all the same."""
    if name in CHANGES_STATE:
        return OutcomeUnknown(f"driver bug in {name}: {what}", device=device)
    return DeviceFault(f"driver bug in {name}: {what}", device=device)


class _Dialogue:
    """Stands for ``devices.chip.Dialogue`` in a resolved annotation."""

    def __class_getitem__(cls, item: object) -> type[_Dialogue]:
        return cls


def _parameter(name: str, hint: Any) -> Parameter:
    if hint is _Dialogue or typing.get_origin(hint) is Generator:
        return Parameter(name, None)
    members = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    for member in members:
        if typing.get_origin(member) is Callable:
            return Parameter(name, shape_of(typing.get_args(member)[0][0]), told=True)
    return Parameter(name, shape_of(hint))

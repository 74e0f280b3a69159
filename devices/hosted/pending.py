"""A call under way, as the terminal keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from devices.errors import OutcomeUnknown
from devices.hosted.schema import encoded

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from devices.chip import Dialogue
    from devices.errors import DeviceError
    from devices.hosted.calls import Call, Parameter


@dataclass(slots=True)
class Pending:
    """One call under way. ``job`` is the last that its progress named."""

    call: Call
    answer: asyncio.Future[Any]
    tell: Callable[[Any], None] | None = None
    dialogue: Dialogue[Any] | None = None
    begun: bool = False  # the dialogue
    over: bool = False
    returned: object = None
    raised: Exception | None = None
    left: bool = False  # its caller was cancelled
    stale: bool = False  # and what it may still answer belongs to nobody any more
    job: str = ""

    def fail(self, error: Exception) -> None:
        """Let the call end with ``error``; a caller that left hears only that it is over."""
        if self.answer.done():
            return
        if self.left:
            self.answer.set_result(None)
        else:
            self.answer.set_exception(error)

    def finish(self, value: object) -> None:
        """Let the call end with ``value``."""
        if not self.answer.done():
            self.answer.set_result(value)


@dataclass(slots=True)
class Hearers:
    """Who is told what a process says unasked, or too late."""

    snapshot: Callable[[Mapping[str, bytes]], None]
    late: Callable[[str, object], None]  # an answer that belongs to the next caller
    lost: Callable[[DeviceError], None] = field(default=lambda _: None)


def named(error: DeviceError, job: str) -> DeviceError:
    """Return an error of a call; where its outcome is unknown, with the job that its progress named."""
    if isinstance(error, OutcomeUnknown) and not error.job:
        error.job = job
    return error


def spoken(call: Call, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of the arguments stays here: whom to tell, and the dialogue."""
    stays: dict[str, Any] = {}
    if call.told is not None:
        stays["tell"] = given[call.told.name]
    if call.dialogue is not None:
        stays["dialogue"] = given[call.dialogue.name]
    return stays


def crossing(parameter: Parameter, value: object) -> bytes | None:
    """Return an argument as it crosses. Raises ``WireError``."""
    if parameter.shape is None:
        return None
    if parameter.told:
        return None if value is None else b""
    return bytes(encoded(parameter.shape, value).bytes)

"""Leading a dialogue with a card's program, without a reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.chip import Dialogue

T = TypeVar("T")

PATIENCE = 200  # commands: a dialogue that asks for more has no bound


def talk(dialogue: Dialogue[T], answer: Callable[[bytes], bytes]) -> T:
    """Lead it to its end; return its result or raise what it raises."""
    command = next(dialogue)
    try:
        for _ in range(PATIENCE):
            command = dialogue.send(answer(command))
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError("the dialogue does not come to an end")

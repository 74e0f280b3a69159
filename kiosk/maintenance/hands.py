"""Who helps a self-test: the technician at the screen, or nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from kiosk.views import Text

T = TypeVar("T")


class Hands(Protocol):
    """The technician at the screen, or nobody."""

    async def ask(self, question: Text) -> bool | None:
        """Return yes or no; ``None``: leave it out."""
        ...

    async def bid(self, request: Text, wait: Coroutine[Any, Any, T]) -> T | None:
        """Ask for something to be done, and return what ``wait`` saw; ``None``: leave it out."""
        ...


class Nobody:
    """Nobody is at the screen: a burn-in."""

    async def ask(self, question: Text) -> bool | None:  # noqa: ARG002 - of the protocol
        """Leave it out."""
        return None

    async def bid(self, request: Text, wait: Coroutine[Any, Any, T]) -> T | None:  # noqa: ARG002 - of the protocol
        """Leave it out."""
        wait.close()
        return None

"""Hands for a suite at a real machine: a person is asked, in the words of the hands' own docstrings.

So a new port's suite needs nothing here. While somebody acts time stands still for the loop (:class:`Stopwatch`): the
suites' deadlines are for machines. What a person cannot bring about, or see, is skipped with that reason; a hand that
was refused once is not asked for again.
"""

from __future__ import annotations

import asyncio
import enum
import inspect
import time
import typing
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

from devices.health import Condition
from devices.hosted.schema import NAMES
from devices.testing.specimens import new_job
from devices.values import PrintJob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CANNOT: Final = "s"
YES: Final = frozenset({"y", "yes", "j", "是"})
QUESTION_S: Final = 0.5  # no driver that waits asks its machine less often; ``asked`` counts by the clock
BY_HAND: Final = frozenset({Condition.PAPER_OUT, Condition.COVER_OPEN})
"""Conditions that anybody can bring about, where a suite asks its hands which."""


UNDONE_BY: Final = {
    "unplug": "plug",
    "mute": "unmute",
    "put": "lift",
    "put_mute": "lift",
    "empty": "load",
    "let_paper_end": "load",
    "provoke": "clear",
    "insert": "take",
    "insert_without_chip": "take",
    "jam": "clear_jam",
    "fill_bin": "empty_bin",
    "forget": "remember",
}
"""Hands whose work is put right after each point; those with ``on`` are undone by the same with ``on`` off."""


class Stopwatch:
    """How long people took, all in all."""

    def __init__(self) -> None:
        self.stood_s = 0.0

    @contextmanager
    def standing(self) -> Iterator[None]:
        """Let time stand still meanwhile."""
        begin = time.monotonic()
        try:
            yield
        finally:
            self.stood_s += time.monotonic() - begin

    def time(self) -> float:
        """Return seconds of machine time."""
        return time.monotonic() - self.stood_s


class PatientLoop(asyncio.SelectorEventLoop):
    """A loop whose time is the machine's."""

    def __init__(self, stopwatch: Stopwatch) -> None:
        self._stopwatch = stopwatch
        super().__init__()

    def time(self) -> float:
        """Return the loop's clock."""
        return self._stopwatch.time()


class PatientPolicy(asyncio.DefaultEventLoopPolicy):
    """Makes patient loops."""

    def __init__(self, stopwatch: Stopwatch) -> None:
        super().__init__()
        self._stopwatch = stopwatch

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """Return a loop."""
        return PatientLoop(self._stopwatch)


class Answers(typing.Protocol):
    """Who brings things about: a person, or a simulated world."""

    def do(self, name: str, words: str, given: dict[str, Any]) -> bool:
        """Bring it about; return False when that cannot be done."""
        ...

    def tell(self, words: str, kind: type) -> Any:
        """Return what is seen, of ``kind`` (``bool``, ``int``, ``float``); ``None`` when that cannot be said."""
        ...


class Person:
    """Somebody at the terminal. ``ask`` shows a question and returns the line typed; ``None``: nobody is there."""

    def __init__(self, ask: Callable[[str], str | None], stopwatch: Stopwatch) -> None:
        self._ask, self._stopwatch = ask, stopwatch

    def do(self, name: str, words: str, given: dict[str, Any]) -> bool:
        """Ask the person to do it."""
        del name, given
        answer = self._answer(f"{words} Then press Enter ({CANNOT}: cannot be done): ")
        return answer is not None and answer != CANNOT

    def tell(self, words: str, kind: type) -> Any:
        """Ask the person what is to be seen."""
        how = "y/n" if kind is bool else "a number"
        answer = self._answer(f"{words} ({how}; {CANNOT}: cannot be said): ")
        if answer is None or answer == CANNOT:
            return None
        try:
            return answer in YES if kind is bool else kind(answer)
        except ValueError:
            return None

    def _answer(self, question: str) -> str | None:
        with self._stopwatch.standing():
            answer = self._ask(question)
        return None if answer is None else answer.strip().lower()


class Undone:
    """What a point brought about and did not put right itself: the next one begins with a sound machine."""

    def __init__(self, protocol: type, answers: Answers) -> None:
        self._protocol, self._answers = protocol, answers
        self._left: dict[str, dict[str, Any]] = {}

    def note(self, name: str, given: dict[str, Any]) -> None:
        """Take what was done just now."""
        if given.get("on") is True or name in UNDONE_BY:
            self._left[name] = given
        elif given.get("on") is False:
            self._left.pop(name, None)
        else:
            for each in [each for each, inverse in UNDONE_BY.items() if inverse == name]:
                self._left.pop(each, None)

    def restore(self) -> None:
        """Put the rest right; what cannot be is left to the next point, which will say so."""
        for name, given in list(self._left.items()):
            inverse, wanted = (name, given | {"on": False}) if "on" in given else (UNDONE_BY[name], given)
            method = getattr(self._protocol, inverse, None)
            if method is not None:
                takes = inspect.signature(method).parameters
                wanted = {key: value for key, value in wanted.items() if key in takes}
                self._answers.do(inverse, _sentence(inspect.getdoc(method) or inverse, wanted), wanted)
        self._left.clear()


def hands_of(protocol: type, role: str, answers: Answers, stopwatch: Stopwatch) -> Any:
    """Return hands that keep ``protocol`` for the device in ``role``, by asking ``answers``.

    Their ``restore`` puts right what the last point left.
    """
    refused: set[str] = set()
    undone = Undone(protocol, answers)
    members: dict[str, Any] = {
        name: _hand(name, method, role=role, answers=answers, refused=refused, undone=undone, stopwatch=stopwatch)
        for name, method in inspect.getmembers(protocol, inspect.isfunction)
        if not name.startswith("_")
    }
    members |= {name: _known(hint) for name, hint in _attributes(protocol).items()}
    members["restore"] = staticmethod(undone.restore)
    return type(f"Asking{protocol.__name__}", (), members)()


def _attributes(protocol: type) -> dict[str, Any]:
    kinds = [kind for kind in reversed(protocol.__mro__) if "__annotations__" in vars(kind)]
    return {name: hint for kind in kinds for name, hint in vars(kind)["__annotations__"].items() if name[0] != "_"}


def _known(hint: object) -> Any:
    """Return an attribute of the hands: a set of conditions, or a table of which none is out of reach."""
    return BY_HAND if "frozenset" in str(hint) else {}


def _hand(
    name: str, method: Any, *, role: str, answers: Answers, refused: set[str], undone: Undone, stopwatch: Stopwatch
) -> Callable[..., Any]:
    words, signature = inspect.getdoc(method) or name, inspect.signature(method)
    result = typing.get_type_hints(method, localns=dict(NAMES)).get("return", type(None))

    def act(self: object, *args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        given = dict(list(bound.arguments.items())[1:])
        sentence = _sentence(words, given)
        if name == "asked":
            return int(stopwatch.time() / QUESTION_S)
        if result is PrintJob:
            return new_job(role)
        if result is type(None):
            if sentence in refused or not answers.do(name, sentence, given):
                refused.add(sentence)
                pytest.skip(f"could not be brought about here: {sentence}")
            undone.note(name, given)
            return None
        seen = answers.tell(sentence, result) if result in {bool, int, float} else None
        if seen is None:
            pytest.skip(f"could not be seen here: {words.splitlines()[0]}")
        return seen

    async def act_async(self: object, *args: Any, **kwargs: Any) -> Any:
        return act(self, *args, **kwargs)

    return act_async if inspect.iscoroutinefunction(method) else act


def _sentence(words: str, given: dict[str, Any]) -> str:
    """Return the first sentence of a docstring with what is asked for this time."""
    sentence = " ".join(words.split("\n\n", maxsplit=1)[0].split()).replace("``", "")
    if given.get("on") is False and len(given) == 1:
        return f"Undo this: {sentence}"
    shown = ", ".join(f"{name}: {_word(value)}" for name, value in given.items() if name != "on" or len(given) > 1)
    return f"{sentence} [{shown}]" if shown else sentence


def _word(value: object) -> str:
    if isinstance(value, enum.Enum):
        return str(value.value)
    if isinstance(value, PrintJob):
        return value.title
    if isinstance(value, tuple):
        return " ".join(map(_word, value))
    return repr(value)

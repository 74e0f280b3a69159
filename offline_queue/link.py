"""The line to central, as the courier sees it: its states, its answers, and how long to leave it alone."""

from __future__ import annotations

import enum
import json
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 900.0
SHORTEST_WAIT_S: Final = 0.2  # full jitter begins at 0; a storm of requests helps nobody
SLOW: Final = "slow"  # reason of an exchange that was given up at its own deadline
RETRY_AFTER_CAP_S: Final = 3600.0  # a Retry-After of a year is a mistake or an attack
AWAITED_WAIT_S: Final = 4.0  # while somebody waits at the screen: a person stays for seconds, not a quarter of an hour
CREDIT_PAUSE_S: Final = 60.0  # longest pause when central gives no credit; jittered


class Link(enum.StrEnum):
    """What is known of the line."""

    UNKNOWN = "unknown"  # nothing was sent yet
    UP = "up"  # the last batch was answered by central
    DOWN = "down"  # no answer, or central asked to come back later
    UNTRUSTED = "untrusted"  # somebody answered who is not central


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, redirects not followed; ``retry_after_s`` is the header in seconds, if it had one."""

    status: int
    content_type: str
    body: bytes = field(repr=False)
    retry_after_s: float | None = None


Send: TypeAlias = "Callable[[bytes], Awaitable[Answer]]"
"""Post one encoded batch. Raises ``LinkDown`` or ``LinkUntrusted``."""


class LinkError(Exception):
    """The whole line is in trouble; no item is to blame. Never leaves the courier. ``reason`` is a code."""

    def __init__(self, reason: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = min(retry_after_s, RETRY_AFTER_CAP_S)


class LinkDown(LinkError):
    """No connection, no answer in time, or central is busy."""


class LinkUntrusted(LinkError):
    """Certificate, redirect, web page or unsigned receipt: not our central."""


class TokenRefused(LinkError):
    """Central refuses our credentials."""


class BatchRefused(Exception):
    """Central refuses this batch; one of its items may be to blame. ``final``: the same bytes will never pass."""

    def __init__(self, status: int) -> None:
        super().__init__(f"http_{status}")
        self.reason = f"http_{status}"
        self.final = status < HTTPStatus.INTERNAL_SERVER_ERROR


_CODE: Final = re.compile("[a-z0-9_.]{1,64}")
_LATER: Final = frozenset({408, 409, 425, 429})
_REFUSALS: Final = frozenset({400, 413, 415, 422})
_TOKEN: Final = frozenset({401, 403})
_PORTAL: Final = HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED  # RFC 6585 clause 6: said by who stands between us
_TOO_LARGE: Final = HTTPStatus.REQUEST_ENTITY_TOO_LARGE  # the proxy before central says so, in HTML, of one item


def check_answer(answer: Answer) -> None:
    """Return when the body may be read as a reply; otherwise raise what the status means."""
    status, retry_after = answer.status, answer.retry_after_s or 0.0
    is_json = answer.content_type.partition(";")[0].strip().lower() == "application/json"
    if status == HTTPStatus.OK and is_json:
        return
    if status in {HTTPStatus.INTERNAL_SERVER_ERROR, _TOO_LARGE} or (status in _REFUSALS and is_json):
        raise BatchRefused(status)
    if status != _PORTAL and (status > HTTPStatus.INTERNAL_SERVER_ERROR or status in _LATER):
        raise LinkDown(f"http_{status}", retry_after_s=retry_after)
    if status in _TOKEN and is_json:
        raise TokenRefused(_code(answer.body) or f"http_{status}")
    if status == HTTPStatus.NOT_FOUND and is_json:
        raise LinkDown("http_404")
    raise LinkUntrusted(f"http_{status}")  # a redirect, a web page: a captive portal or the wrong host


def _code(body: bytes) -> str:
    """Return why central does not let us in, in its own word, as staff are to be told; empty when it gives none."""
    try:
        code = json.loads(body)["detail"]["code"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


def backoff_s(failures: int, chance: float) -> float:
    """Return the wait after ``failures`` in a row: exponential, full jitter; ``chance`` is from 0 to 1."""
    ceiling = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(failures - 1, 20))
    return max(SHORTEST_WAIT_S, ceiling * chance)


class Patience:
    """How long the link is left alone. Hurry shortens our own back-off, never what central asked for.

    All times are monotonic seconds; ``chance`` (0 to 1) spreads terminals that failed in the same moment.
    """

    def __init__(self, monotonic: Callable[[], float], chance: Callable[[], float]) -> None:
        self.failures = 0  # in a row
        self._monotonic = monotonic
        self._chance = chance
        self._own = self._awaited = self._asked = 0.0

    def due(self, *, nudged: bool, awaited: bool) -> float:
        """Return the time of the next try. ``nudged``: something changed; ``awaited``: somebody stands there."""
        own = 0.0 if nudged else self._own
        return max(min(own, self._awaited) if awaited else own, self._asked)

    def resume(self, failures: int, wait_s: float, now: float) -> None:
        """Go on where the last process stopped, by what was read at ``now``: a restart does not begin to hammer."""
        self.failures = failures
        self._own = now + wait_s

    def rest(self, wait_s: float) -> None:
        """Leave the link alone for a reason of our own, whoever waits."""
        self._own = self._awaited = self._monotonic() + wait_s

    def failed(self, error: LinkError) -> float:
        """Count a failure; return the wait in seconds, to be kept on the disk."""
        self.failures += 1
        chance, now = self._chance(), self._monotonic()
        wait_s = max(backoff_s(self.failures, chance), error.retry_after_s)
        if isinstance(error, TokenRefused):
            wait_s = LONGEST_WAIT_S
            self.rest(wait_s)
        else:
            self._own, self._awaited = now + wait_s, now + AWAITED_WAIT_S * (1 + chance) / 2
        self._asked = now + error.retry_after_s
        return wait_s

    def pace(self, credit: int) -> None:
        """Central answered: go on at once, or, without credit, at a moment of our own."""
        self._own = self._asked = 0.0
        if credit == 0:
            self._asked = self._monotonic() + CREDIT_PAUSE_S * self._chance()

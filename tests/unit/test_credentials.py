"""The terminal's token and key: a key that comes late, a token that expired, a cut while a token is kept."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING

import pytest

from kiosk.clock import ManualClock
from kiosk.credentials import RETRY_S, Credentials
from kiosk.errors import GatewayRejected, GatewayUnreachable
from kiosk.event_log import EventLog
from kiosk.keys import FileKey, KeyCode, KeyStoreError
from offline_queue.link import LinkDown

if TYPE_CHECKING:
    from pathlib import Path

    from kiosk.keys import KioskKey


class Counter:
    """Central's counter for terminals: remembers what it was shown."""

    def __init__(self, refusal: Exception | None = None) -> None:
        self.keys: list[str] = []
        self.tokens = 0
        self.refusal = refusal

    async def register_key(self, pem: str) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.keys.append(pem)

    async def new_token(self) -> str:
        if self.refusal is not None:
            raise self.refusal
        self.tokens += 1
        return f"new-{self.tokens}"


class Shelf:
    """A key that is not there the first times it is looked for."""

    def __init__(self, path: Path, misses: int = 0) -> None:
        self.path = path
        self.misses = misses

    def open(self) -> KioskKey:
        if self.misses:
            self.misses -= 1
            raise KeyStoreError(KeyCode.TOKEN, "the token is not plugged in", "plug it in")
        return FileKey.open(self.path, create=True)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def made(tmp_path: Path, clock: ManualClock, misses: int = 0) -> Credentials:
    token_file = tmp_path / "token"
    token_file.write_text("old", encoding="ascii")
    return Credentials("old", token_file, Shelf(tmp_path / "kiosk.key", misses).open, clock)


async def test_key_that_comes_late_is_found_and_told_once(tmp_path, clock):
    credentials, out, found = made(tmp_path, clock, misses=2), io.StringIO(), []

    async with asyncio.TaskGroup() as group:
        group.create_task(credentials.find_key(EventLog(clock, out), lambda: found.append(True)))
        while credentials.key is None:
            with pytest.raises(LinkDown, match="signing_key"):
                credentials.sign(b"head")
            await clock.advance(RETRY_S)
            await asyncio.sleep(0.001)  # the key is opened on a thread
    assert found == [True]
    assert out.getvalue().count("KeyUnavailable") == 1
    assert "copies the disk" in out.getvalue() or '"kind": "file"' in out.getvalue()
    assert credentials.sign(b"head")
    credentials.close()


async def ready(tmp_path: Path, clock: ManualClock) -> Credentials:
    credentials = made(tmp_path, clock)
    await credentials.find_key(EventLog(clock, io.StringIO()), lambda: None)
    return credentials


async def test_refused_terminal_gets_a_new_token_and_makes_its_key_known_again(tmp_path, clock):
    """Central may have been restored, or have enrolled us anew: it may have lost either."""
    credentials, counter = await ready(tmp_path, clock), Counter()
    await credentials.introduce(counter)
    await credentials.refresh(counter)
    assert (len(counter.keys), credentials.token()) == (2, "new-1")
    assert (tmp_path / "token").read_text(encoding="ascii") == "new-1"
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
    credentials.close()


async def test_key_is_made_known_once(tmp_path, clock):
    credentials, counter = await ready(tmp_path, clock), Counter()
    await credentials.introduce(counter)
    await credentials.introduce(counter)
    assert (len(counter.keys), counter.tokens) == (1, 0)
    credentials.close()


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (GatewayRejected("no", reason="key_conflict"), "refused_key_conflict"),
        (GatewayUnreachable("gone"), "credentials"),
    ],
)
async def test_counter_that_refuses_leaves_the_link_down_and_the_token_as_it_was(tmp_path, clock, refusal, reason):
    credentials = await ready(tmp_path, clock)
    with pytest.raises(LinkDown, match=reason):
        await credentials.refresh(Counter(refusal))
    assert (tmp_path / "token").read_text(encoding="ascii") == "old"
    credentials.close()

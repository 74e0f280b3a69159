"""What this terminal shows central: a token that expires, and signatures by a key that may not be at hand."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING, Final, Protocol

from kiosk.errors import GatewayRejected, KioskError
from kiosk.events import KeyOpened, KeyUnavailable
from kiosk.keys import KeyStoreError, public_pem
from offline_queue.link import LinkDown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from devices.values import Clock
    from kiosk.event_log import EventLog
    from kiosk.keys import KioskKey

PATIENCE_S: Final = 3.0  # a key in a file is there at once, a token on a slow bus within a second or two
RETRY_S: Final = 60.0  # a token may be plugged in again, or answer after a power cut; take-in goes on without it


class Office(Protocol):
    """Central's counter for terminals."""

    async def register_key(self, pem: str) -> None:
        """Make the public half of the terminal's key known."""

    async def new_token(self) -> str:
        """Ask for a new token; the client certificate is what proves us."""


class Credentials:
    """Token and key of one terminal.

    Without the key nothing can be sent, but everything can be taken in: it is opened beside the rest, and looked for
    again and again.
    """

    def __init__(self, token: str, token_file: Path, open_key: Callable[[], KioskKey], clock: Clock) -> None:
        self.key: KioskKey | None = None
        self._token = token
        self._token_file = token_file
        self._open_key = open_key
        self._clock = clock
        self._registered = False
        self._found = asyncio.Event()

    def token(self) -> str:
        """Return the token of this moment."""
        return self._token

    async def find_key(self, log: EventLog, found: Callable[[], None]) -> None:
        """Open the key; try again while that fails. ``found`` is called once it is there."""
        told = ""
        while self.key is None:
            try:
                self.key = await asyncio.to_thread(self._open_key)
            except KeyStoreError as error:
                self._found.set()  # nobody waits for it a second time
                if told != error.code.value:
                    told = error.code.value
                    log.emit(KeyUnavailable(code=told, remedy=error.remedy))
                await self._clock.sleep(RETRY_S)
        self._found.set()
        log.emit(KeyOpened(kind=self.key.kind, key=self.key.key_id, described=self.key.describe()))
        found()

    def sign(self, message: bytes) -> bytes:
        """Sign; called on a thread. Raises ``LinkDown`` when the key is not there or does not answer."""
        if self.key is None:
            raise LinkDown("signing_key")
        try:
            return self.key.sign(message)
        except KeyStoreError as error:
            raise LinkDown("signing_key") from error

    async def introduce(self, office: Office) -> None:
        """Make our key known to central, once; at the start wait a moment for the key. Raises ``LinkDown``."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await self._found.wait()
        if self._registered:
            return
        try:
            await self._register(office)
        except KioskError as error:
            raise LinkDown("credentials") from error

    async def refresh(self, office: Office) -> None:
        """Central refused us: get a new token, and make our key known (again). Raises ``LinkDown``.

        Both, whatever the reason given: a central that was restored or enrolled us anew may have lost either.
        """
        try:
            self._token = await office.new_token()
            await asyncio.to_thread(_keep, self._token_file, self._token)
            await self._register(office)
        except GatewayRejected as error:
            raise LinkDown(f"refused_{error.reason}"[:64]) from error
        except (KioskError, OSError) as error:
            raise LinkDown("credentials") from error

    async def turned_away(self, office: Office) -> None:
        """Central refused what was no batch: do the same; what comes of it is told when something is to be sent."""
        with contextlib.suppress(LinkDown):
            await self.refresh(office)

    async def _register(self, office: Office) -> None:
        if self.key is not None:
            await office.register_key(public_pem(self.key.public_key()))
            self._registered = True

    def close(self) -> None:
        """Let go of the key."""
        if self.key is not None:
            self.key.close()


def _keep(path: Path, token: str) -> None:
    """Replace the token's file: a power cut leaves the old one or the new one."""
    draft = path.with_name(path.name + ".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(handle, token.encode("ascii"))
        os.fsync(handle)
    finally:
        os.close(handle)
    draft.replace(path)

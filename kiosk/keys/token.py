"""The kiosk's key in a token behind PKCS#11 (OASIS, 2.40): a TPM, a smart card, an HSM. It never leaves it.

Four facts shape this: a call into a token's module cannot be broken off, so all calls run in one daemon thread and
callers wait for it with a deadline. The binding initialises a module for one thread at a time: the same thread does. A
module is initialised once for a whole process: a second key on it is refused. And tokens lock after a few wrong PINs: a
refused PIN is not presented again, not by this process and, where the token tells (``CKF_USER_PIN_COUNT_LOW``), not by
the next one.
"""

from __future__ import annotations

import logging
import queue
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final, TypeVar

from kiosk.keys.port import KeyCode, KeyStoreError, name_of
from kiosk.keys.session import TokenPlace, TokenSession

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

T = TypeVar("T")

OPEN_WAIT_S: Final = 60.0  # a discrete TPM may need tens of seconds to make a key; reading one takes under a second
SIGN_WAIT_S: Final = 15.0  # a TPM signs in 0.05 to 0.5 s, a reopening takes a few seconds; then nobody waits on
CLOSE_WAIT_S: Final = 5.0

_log = logging.getLogger(__name__)


class TokenKey:
    """A P-256 key that is used where it was made. Opened by :meth:`open`; one for each module in a process."""

    kind = "token"

    def __init__(self, place: TokenPlace, thread: _TokenThread, public: EllipticCurvePublicKey, wait_s: float) -> None:
        self._place = place
        self._thread = thread
        self._public = public
        self._wait_s = wait_s
        self.key_id = name_of(public)

    @classmethod
    def open(
        cls, place: TokenPlace, *, create: bool, insist: bool = False, sign_wait_s: float = SIGN_WAIT_S
    ) -> TokenKey:
        """Find the key by its label; make it inside the token when there is none and ``create`` says so.

        ``insist``: present the PIN although the token reports an earlier wrong one; for a technician who has just put
        the PIN file right. Blocks up to ``OPEN_WAIT_S``. Raises ``KeyStoreError``.
        """
        thread = _TokenThread(place)
        try:
            public = thread.run(lambda session: session.connect(create=create, insist=insist), OPEN_WAIT_S)
        except BaseException:
            thread.close()
            raise
        return cls(place, thread, public, sign_wait_s)

    def public_key(self) -> EllipticCurvePublicKey:
        """Return the public half."""
        return self._public

    def sign(self, message: bytes) -> bytes:
        """Return a DER signature. Raises ``KeyStoreError``: ``NO_ANSWER`` after ``sign_wait_s`` seconds.

        A lost session, a token taken out or begun anew: the token is opened again, once; the next call tries again.
        """
        return self._thread.run(lambda session: session.sign(message), self._wait_s)

    def describe(self) -> str:
        """Say where the key is and what that means."""
        return (
            f"The kiosk's key {self.key_id} is in the token “{self._place.token_label}”, which does not hand it out:"
            " a copied disk cannot pass for this kiosk; a program running here as the terminal's user can have it sign."
        )

    def close(self) -> None:
        """Log out and let go of the module. Waits ``CLOSE_WAIT_S`` at most. May be called twice."""
        self._thread.close()


class _TokenThread:
    """The one thread that talks to a module. A daemon: a call that never returns must not keep the terminal up."""

    _modules: Final[set[Path]] = set()
    _guard: Final = threading.Lock()

    def __init__(self, place: TokenPlace) -> None:
        self._place = place
        with self._guard:
            if place.module in self._modules:
                raise KeyStoreError(
                    KeyCode.IN_USE,
                    f"{place.module} is in use in this process already, or a call into it has not come back",
                    "close the other key first; after a call that hangs, start the terminal again",
                )
            self._modules.add(place.module)
        self._closed = False
        self._jobs: queue.SimpleQueue[tuple[Future[Any], Callable[[TokenSession], Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="kiosk-key", daemon=True)
        self._thread.start()

    def run(self, call: Callable[[TokenSession], T], wait_s: float) -> T:
        """Run ``call`` after all earlier ones and wait ``wait_s`` seconds for it; then take it back or leave it."""
        done: Future[T] = Future()
        with self._guard:
            if self._closed:
                raise KeyStoreError(KeyCode.CLOSED, "the key was closed", "open it again")
            self._jobs.put((done, call))
        try:
            return done.result(wait_s)
        except TimeoutError:
            done.cancel()
            raise KeyStoreError(
                KeyCode.NO_ANSWER,
                f"the token “{self._place.token_label}” did not answer within {wait_s:g} s",
                "check its plug and its service; when it stays so, start the terminal again",
            ) from None

    def close(self) -> None:
        """End the thread after the calls it has; give up after ``CLOSE_WAIT_S``."""
        with self._guard:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        self._thread.join(CLOSE_WAIT_S)
        if self._thread.is_alive():
            _log.error("the kiosk's key: a call into %s did not come back; its thread ends with it", self._place.module)

    def _serve(self) -> None:
        session = TokenSession(self._place)
        try:
            while (job := self._jobs.get()) is not None:
                _settle(*job, session)
                del job
        finally:
            session.disconnect()
            with self._guard:
                self._modules.discard(self._place.module)


def _settle(done: Future[Any], call: Callable[[TokenSession], Any], session: TokenSession) -> None:
    if not done.set_running_or_notify_cancel():
        return  # its caller waited in vain and has gone
    try:
        result = call(session)
    except BaseException as error:  # noqa: BLE001 - not swallowed: raised again at the caller, who knows what it means
        done.set_exception(error)
    else:
        done.set_result(result)

"""The only HTTP client of the queue: one request at a time, each on its own thread, CA pinned, no redirects, capped."""

from __future__ import annotations

import asyncio
import concurrent.futures
import io
import ssl
import threading
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import requests
import urllib3

from offline_queue import wire
from offline_queue.errors import QueueCode, QueueError
from offline_queue.link import SLOW, Answer, LinkDown, LinkUntrusted, TokenRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

CONNECT_TIMEOUT_S: Final = 3.0
READ_TIMEOUT_S: Final = 10.0  # between two reads
SLOWEST_LINE: Final = 8 * 1024  # bytes a second; below, the exchange is given up and tried again later
KEEP_S: Final = 4.0  # an idle connection is not used again: routers forget it silently, servers after 5 s (uvicorn's)
_CHUNK: Final = 16 * 1024
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class HttpSender:
    """Posts batches to central. An instance is the courier's ``send``."""

    def __init__(
        self,
        url: str,
        *,
        kiosk: str,
        ca_file: Path | None,
        token: Callable[[], str],
        cert: tuple[Path, Path] | None = None,
        path: str = "",
    ) -> None:
        """``url`` is central's root; ``ca_file`` the pinned CA (PEM); ``token`` is asked anew for each request.

        ``cert``: the terminal's client certificate and its key, PEM; both may be in one file. They are read for each
        new connection. Plain HTTP is for central on the same machine alone. ``path``: another counter of central than
        that for the terminal's own batches. Raises ``QueueError``.
        """
        parts = urlsplit(url)
        if parts.scheme == "https" and ca_file is None:
            raise QueueError("a pinned CA is needed for central", code=QueueCode.INVALID)
        if parts.scheme != "https" and (parts.scheme != "http" or parts.hostname not in _LOOPBACK):
            raise QueueError("central must be reached by https", code=QueueCode.INVALID)
        self._url = url.rstrip("/") + (path or f"/v1/kiosks/{kiosk}/batches")
        self._verify = str(ca_file) if ca_file is not None else True
        self._cert = None if cert is None else (str(cert[0]), str(cert[1]))
        self._kiosk = kiosk
        self._token = token
        self._used_at = 0.0
        self._renew()

    async def __call__(self, body: bytes) -> Answer:
        """Post one batch; waits at most as long as the slowest line needs. Raises ``LinkError``.

        Cancelled or late, the request is left to a thread that ends at its own deadline, or with the process.
        """
        patience_s = CONNECT_TIMEOUT_S + 2 * READ_TIMEOUT_S + len(body) / SLOWEST_LINE
        if time.monotonic() - self._used_at > KEEP_S:
            self._session.close()  # of the connections it kept; it opens a new one
        request = (self._session, body, time.monotonic() + patience_s)
        done: concurrent.futures.Future[Answer] = concurrent.futures.Future()
        done.set_running_or_notify_cancel()  # from now on only the thread ends it
        # A daemon: the interpreter would wait for a pool's thread, and a dead line must not hold the terminal's end.
        threading.Thread(target=self._run, args=(done, *request), name="courier-http", daemon=True).start()
        try:
            async with asyncio.timeout(patience_s):
                answer = await asyncio.wrap_future(done)
        except TimeoutError as error:  # a drip of bytes that keeps each single read alive
            self._renew()
            raise LinkDown(SLOW) from error
        except asyncio.CancelledError:
            self._renew()
            raise
        self._used_at = time.monotonic()
        return answer

    async def close(self) -> None:
        """Close connections; idempotent. A request under way ends at its own deadline."""
        self._session.close()

    def _renew(self) -> None:
        """Begin anew, beside a request that is left to its thread."""
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy, .netrc or CA bundle from the environment
        self._session.headers.update({"Accept": "application/json", "Accept-Encoding": "identity"})

    def _run(
        self, done: concurrent.futures.Future[Answer], session: requests.Session, body: bytes, deadline: float
    ) -> None:
        try:
            answer = self._post(session, body, deadline)
        except BaseException as error:  # noqa: BLE001 - raised where the answer is awaited
            done.set_exception(error)
        else:
            done.set_result(answer)

    def _post(self, session: requests.Session, body: bytes, deadline: float) -> Answer:
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {self._token()}",
            "X-Kiosk": self._kiosk,  # central looks the token up by the kiosk it belongs to
        }
        try:
            with session.post(
                self._url,
                data=_Upload(body, deadline),
                headers=headers,
                # What the kernel took over has not left yet: a slow line needs its time before central can answer.
                timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S + len(body) / SLOWEST_LINE),
                verify=self._verify,
                cert=self._cert,
                allow_redirects=False,
                stream=True,
            ) as response:
                content = _read(response, deadline)
                kind = response.headers.get("Content-Type", "")
                return Answer(response.status_code, kind, content, _retry_after_s(response.headers))
        except requests.exceptions.SSLError as error:
            below = list(_below(error))
            if any(isinstance(one, ssl.SSLCertVerificationError) for one in below):
                raise LinkUntrusted("certificate") from error
            if any(isinstance(one, ssl.SSLError) and _is_about_ours(one) for one in below):
                raise TokenRefused("client_certificate") from error
            raise LinkDown("handshake") from error  # cut off while greeting: a dead server, not an impostor
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise LinkDown(SLOW if time.monotonic() > deadline else type(error).__name__) from error


def _below(error: BaseException) -> Iterator[BaseException]:
    """Return an error and all that led to it; the libraries between wrap what the TLS library said."""
    below = [error]
    while below:
        one = below.pop()
        yield one
        inner = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
        below += [part for part in inner if isinstance(part, BaseException)]


def _is_about_ours(error: ssl.SSLError) -> bool:
    """Tell whether central's alert (RFC 8446 clause 6.2) is about our certificate: missing, expired, unknown."""
    said = error.reason or ""
    return "_ALERT_" in said and ("CERTIFICATE" in said or "UNKNOWN_CA" in said)


class _Upload(io.BytesIO):
    """A body sent in pieces: each has the socket's time-out to itself, all of them one deadline."""

    def __init__(self, body: bytes, deadline: float) -> None:
        super().__init__(body)
        self._deadline = deadline

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next piece. Raises ``TimeoutError`` past the deadline."""
        if time.monotonic() > self._deadline:
            raise TimeoutError
        return super().read(size)


def _read(response: requests.Response, deadline: float) -> bytes:
    content = bytearray()
    while piece := response.raw.read1(_CHUNK):
        content += piece
        if len(content) > wire.MAX_REPLY_BYTES:
            raise LinkUntrusted("too_large")
        if time.monotonic() > deadline:
            raise LinkDown(SLOW)
    return bytes(content)


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the wait asked for, in seconds; as a date (RFC 9110 clause 10.2.3) it counts from the answer's own Date.

    Our clock may be years off, the difference of two times of one clock is not.
    """
    asked = headers.get("Retry-After", "").strip()
    if asked.isascii() and asked.isdigit():
        return float(asked)
    try:
        until = _moment(asked)
    except ValueError:
        return None
    try:
        now = _moment(headers.get("Date", ""))
    except ValueError:
        now = datetime.now(UTC)
    return max(0.0, (until - now).total_seconds())


def _moment(text: str) -> datetime:
    """Return an HTTP-date (RFC 9110 clause 5.6.7), aware. Raises ``ValueError``."""
    found = parsedate_to_datetime(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)

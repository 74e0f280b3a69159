"""The only HTTP client of the queue: one request at a time on its own thread, CA pinned, no redirects, size capped."""

from __future__ import annotations

import asyncio
import io
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import requests
import urllib3

from offline_queue import wire
from offline_queue.errors import QueueCode, QueueError
from offline_queue.link import SLOW, Answer, LinkDown, LinkUntrusted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

CONNECT_TIMEOUT_S: Final = 3.0
READ_TIMEOUT_S: Final = 10.0  # between two reads
SLOWEST_LINE: Final = 8 * 1024  # bytes a second; below, the exchange is given up and tried again later
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
        self._renew()

    async def __call__(self, body: bytes) -> Answer:
        """Post one batch. Raises ``LinkDown`` or ``LinkUntrusted``; waits at most as long as the slowest line needs."""
        patience_s = CONNECT_TIMEOUT_S + 2 * READ_TIMEOUT_S + len(body) / SLOWEST_LINE
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(patience_s):
                return await loop.run_in_executor(self._thread, self._post, body, time.monotonic() + patience_s)
        except TimeoutError as error:  # a drip of bytes that keeps each single read alive
            self._thread.shutdown(wait=False, cancel_futures=True)
            self._renew()
            raise LinkDown(SLOW) from error

    async def close(self) -> None:
        """Close connections; idempotent. A request under way ends at its own deadline."""
        self._session.close()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _renew(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="courier-http")
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy, .netrc or CA bundle from the environment
        self._session.headers.update({"Accept": "application/json", "Accept-Encoding": "identity"})

    def _post(self, body: bytes, deadline: float) -> Answer:
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {self._token()}",
            "X-Kiosk": self._kiosk,  # central looks the token up by the kiosk it belongs to
        }
        try:
            with self._session.post(
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
            if _is_certificate(error):
                raise LinkUntrusted("certificate") from error
            raise LinkDown("handshake") from error  # cut off while greeting: a dead server, not an impostor
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise LinkDown(SLOW if time.monotonic() > deadline else type(error).__name__) from error


def _is_certificate(error: BaseException | None) -> bool:
    """Tell whether the other side showed a certificate that is not central's; it lies somewhere below ``error``."""
    below = [error]
    while below:
        one = below.pop()
        if isinstance(one, ssl.SSLCertVerificationError):
            return True
        if one is not None:
            below += [one.__cause__, one.__context__, *(part for part in one.args if isinstance(part, BaseException))]
            reason = getattr(one, "reason", None)
            below += [reason] if isinstance(reason, BaseException) else []
    return False


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

"""IPP over HTTP POST: one request, one answer, and certainty about what may have reached the printer."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp

from devices.drivers.ipp_codec import Answer, Attribute, GroupTag, Operation, Status, Tag, decode, encode
from devices.errors import DeviceProtocolError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

IPP_PORT = 631  # RFC 8010 section 4.1
CONNECT_S = 2.0  # a printer on the kiosk's own cable
ANSWER_S = 3.0  # a status question; documents have no limit here: the caller's deadline holds
MOST_OF_AN_ANSWER = 1 << 20  # bytes; a full attribute dump of a large printer is some 100 kB
CHUNK = 64 * 1024


class NotReached(Exception):
    """No connection came about: the printer has seen nothing of this request."""


class Broken(Exception):
    """The connection ended or fell silent: the printer may or may not have acted on the request."""


class Refused(Exception):
    """The printer answered with an error status: it has not done what was asked."""

    def __init__(self, status: int) -> None:
        super().__init__(f"IPP status 0x{status:04x}")
        self.status = status


class IppClient:
    """Requests to one printer URI (``ipp``, or ``ipps`` with the printer's certificate checked).

    ``user`` is whom the printer notes as the owner of a job: the terminal, never the resident. ``pin`` is the SHA-256
    of the only certificate accepted (64 hexadecimal digits), for printers that signed their own; "" asks the system's
    authorities. Raises ``ValueError`` for an address or a pin that is none.
    """

    def __init__(self, uri: str, user: str, pin: str = "") -> None:
        parts = urlsplit(uri)
        if parts.scheme not in {"ipp", "ipps"} or not parts.hostname:
            raise ValueError("a printer address reads ipp://host:port/path or ipps://host:port/path")
        if pin and parts.scheme != "ipps":
            raise ValueError("a certificate is pinned, but only ipps:// shows one")
        self._tls: aiohttp.Fingerprint | bool = aiohttp.Fingerprint(fingerprint(pin)) if pin else True
        scheme = "https" if parts.scheme == "ipps" else "http"
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        self.address = f"{host}:{parts.port or IPP_PORT}{parts.path}"
        self._uri = uri
        self._user = user
        self._url = f"{scheme}://{self.address}"
        self._request_ids = itertools.count(1)
        # A connection of its own for each request: a kept one that went stale in the meantime would leave it open
        # whether the printer has seen the request.
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True), auto_decompress=False)

    async def close(self) -> None:
        """Free the session."""
        await self._session.close()

    async def request(
        self,
        operation: Operation,
        target: Sequence[Attribute] = (),
        job: Sequence[Attribute] = (),
        document: bytes | None = None,
    ) -> Answer:
        """Send one request; ``target`` follows printer-uri in the operation group.

        Raises ``NotReached``, ``Broken``, ``Refused`` and, for an answer that makes no sense, ``DeviceProtocolError``.
        """
        if self._session.closed:
            raise NotReached("closed here")
        request_id = next(self._request_ids)
        head = encode(operation, request_id, self._groups(target, job))
        try:
            # A document may take as long as the printer's paper does: small printers read while they print.
            async with asyncio.timeout(ANSWER_S if document is None else None):
                answer = decode(await self._post(head, document or b""))
        except aiohttp.ServerFingerprintMismatch as error:
            raise NotReached("the printer shows another certificate than the pinned one") from error
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotReached("no connection to the printer") from error
        except TimeoutError as error:
            raise Broken("the printer did not answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Broken("the connection to the printer ended inside a request") from error
        if answer.request_id != request_id:
            raise DeviceProtocolError("an IPP answer to another request")
        if answer.status > Status.LAST_SUCCESS:
            raise Refused(answer.status)
        return answer

    def _groups(
        self, target: Sequence[Attribute], job: Sequence[Attribute]
    ) -> list[tuple[GroupTag, Sequence[Attribute]]]:
        operation = [
            Attribute(Tag.CHARSET, "attributes-charset", ("utf-8",)),
            Attribute(Tag.LANGUAGE, "attributes-natural-language", ("en",)),
            Attribute(Tag.URI, "printer-uri", (self._uri,)),
            *target,
            Attribute(Tag.NAME, "requesting-user-name", (self._user,)),
        ]
        groups: list[tuple[GroupTag, Sequence[Attribute]]] = [(GroupTag.OPERATION, operation)]
        if job:
            groups.append((GroupTag.JOB, job))
        return groups

    async def _post(self, head: bytes, document: bytes) -> bytes:
        headers = {"Content-Type": "application/ipp", "Content-Length": str(len(head) + len(document))}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S)
        async with self._session.post(
            self._url,
            data=_pieces(head, document),
            headers=headers,
            timeout=timeout,
            allow_redirects=False,
            ssl=self._tls,
        ) as response:
            if response.status != 200:  # noqa: PLR2004 - HTTP OK; IPP errors travel inside a 200
                raise DeviceProtocolError(f"HTTP status {response.status} instead of an IPP answer")
            body = await response.content.read(MOST_OF_AN_ANSWER)
            while not response.content.at_eof() and len(body) < MOST_OF_AN_ANSWER:
                body += await response.content.read(MOST_OF_AN_ANSWER)
            return body


def fingerprint(text: str) -> bytes:
    """Read a SHA-256 fingerprint, with or without colons. Raises ``ValueError``."""
    try:
        digest = bytes.fromhex(text.replace(":", ""))
    except ValueError:
        digest = b""
    if len(digest) != hashlib.sha256().digest_size:
        raise ValueError("certificate_sha256: a fingerprint of 64 hexadecimal digits is wanted")
    return digest


async def _pieces(head: bytes, document: bytes) -> AsyncIterator[bytes]:
    """Give the body in pieces, so that a large document does not hold the loop."""
    yield head
    for start in range(0, len(document), CHUNK):
        yield document[start : start + CHUNK]

"""The gateway over HTTPS: each exchange in a thread and on a connection of its own, the authority pinned.

Whatever a reply does, breaks off, drips, lies or never comes, ends as an error of the port within the exchange's one
deadline. The deadline is kept from the loop's side, by shutting the connection down under the thread: a limit for each
single read would let one byte a second live for hours. No redirects, no proxies, no compressed bodies.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import http.client
import json
import re
import ssl
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlsplit

from kiosk.errors import GatewayRefused, GatewayRejected, GatewayUnreachable, GatewayUntrusted
from kiosk.gateway import (
    CaseProgress,
    Challenge,
    CodeAnswer,
    CodeVerdict,
    Decision,
    DecisionState,
    DocumentRef,
    Gateway,
    Lookup,
    ServiceState,
)
from kiosk.gateway_exchange import CONNECT_S, Exchange, NotCentralError
from kiosk.views import NOTHING, Text, words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kiosk.session import Person

T = TypeVar("T")
READ_S = 10.0  # with CONNECT_S the whole time of an exchange, however its bytes come
CLOSE_S = 0.5  # how long close() looks after threads; one that still asks a dead name server is a daemon and stays
AT_ONCE = 8  # exchanges under way; more means that threads hang where nothing can end them
UNAUTHORISED, FORBIDDEN, NOT_FOUND, TOO_MANY = 401, 403, 404, 429
CLIENT_ERRORS, SERVER_ERRORS = 400, 500
OK, CREATED = 200, 201
HTTPS_PORT, HTTP_PORT = 443, 80


class HttpGateway(Gateway):
    """See the module. ``tls_ca`` is the only authority accepted."""

    def __init__(self, url: str, *, kiosk: str, token: Callable[[], str], tls_ca: str, tls_client: str = "") -> None:
        """``url`` is central's root; ``tls_client`` a PEM file with the terminal's client certificate and its key.

        ``token`` is asked anew for each exchange.

        Raises ``OSError`` when a file cannot be read or does not hold what it should.
        """
        parts = urlsplit(url)
        self._secure = ssl.create_default_context(cafile=tls_ca) if parts.scheme == "https" else None
        if self._secure is not None and tls_client:
            self._secure.load_cert_chain(tls_client)
        self._host = parts.hostname or ""
        self._port = parts.port or (HTTPS_PORT if self._secure else HTTP_PORT)
        self._root = parts.path.rstrip("/")
        self._kiosk = kiosk
        self._token = token
        self._headers = {
            "X-Kiosk": kiosk,
            "Accept": "application/json, application/pdf",
            "Connection": "close",
        }
        self._under_way: set[Exchange] = set()
        self._closed = False

    async def register_key(self, pem: str) -> None:
        """POST /v1/kiosks/{kiosk}/key."""
        await self._json("POST", f"/v1/kiosks/{_part(self._kiosk)}/key", lambda _reply: None, {"public_key_pem": pem})

    async def new_token(self) -> str:
        """POST /v1/kiosks/{kiosk}/token: the client certificate proves us, the old token may have expired."""
        return await self._json(
            "POST", f"/v1/kiosks/{_part(self._kiosk)}/token", lambda reply: _is(str, reply["token"])
        )

    async def work_orders(self) -> tuple[object, ...]:
        """GET /v1/kiosks/{kiosk}/work-orders: signed as a whole each, so their content is not looked at here."""
        path = f"/v1/kiosks/{_part(self._kiosk)}/work-orders"
        return await self._json("GET", path, lambda reply: tuple(_is(list, reply["orders"])))

    async def revoked_technicians(self) -> bytes:
        """GET /v1/technicians/revoked: the authority's list (DER), empty when there is none."""
        return await self._call("GET", "/v1/technicians/revoked", lambda reply: reply)

    async def close(self) -> None:
        """Break every exchange off; takes at most ``CLOSE_S``. Never raises."""
        self._closed = True
        for exchange in self._under_way:
            exchange.abort()
        ends = [exchange.done for exchange in self._under_way]
        if ends:
            await asyncio.to_thread(concurrent.futures.wait, ends, CLOSE_S)

    async def catalogue(self) -> tuple[ServiceState, ...]:
        """GET /v1/catalogue."""

        def read(reply: dict[str, Any]) -> tuple[ServiceState, ...]:
            return tuple(
                ServiceState(
                    code=_is(str, item["code"]),
                    version=_is(int, item["version"]),
                    open=item["state"] == "open",
                    reason=_words(item.get("reason")),
                )
                for item in reply["services"]
            )

        return await self._json("GET", "/v1/catalogue", read)

    async def look_up(self, visit: str, service: str, version: int, purpose: str, person: Person) -> Lookup:
        """POST /v1/lookups."""
        body = {"visit": visit, "service": service, "version": version, "purpose": purpose, "person": _named(person)}

        def read(reply: dict[str, Any]) -> Lookup:
            return Lookup(
                known=_is(bool, reply["known"]),
                record=_is(bool, reply["record"]),
                other_regions=tuple(map(str, reply.get("other_regions", ()))),
                fields={str(key): str(value) for key, value in reply.get("fields", {}).items()},
                sms_masked=_is(str, reply.get("sms_masked") or ""),
            )

        return await self._json("POST", "/v1/lookups", read, body)

    async def send_code(self, visit: str, service: str, person: Person) -> Challenge:
        """POST /v1/sms-challenges."""
        body = {"visit": visit, "service": service, "person": _named(person)}

        def read(reply: dict[str, Any]) -> Challenge:
            return Challenge(
                id=_is(str, reply["challenge"]),
                masked=_is(str, reply["masked"]),
                expires_s=_is(int, reply["expires_s"]),
                resend_after_s=_is(int, reply["resend_after_s"]),
            )

        return await self._json("POST", "/v1/sms-challenges", read, body)

    async def check_code(self, challenge: str, visit: str, code: str) -> CodeAnswer:
        """POST /v1/sms-challenges/{id}/answers."""

        def read(reply: dict[str, Any]) -> CodeAnswer:
            return CodeAnswer(CodeVerdict(reply["verdict"]), _is(int, reply["attempts_left"]))

        path = f"/v1/sms-challenges/{_part(challenge)}/answers"
        return await self._json("POST", path, read, {"visit": visit, "code": code})

    async def decision(self, epoch: str, seq: int, wait_s: float) -> Decision:
        """GET /v1/kiosks/{kiosk}/cases/{epoch}/{seq}/decision, a long poll."""

        def read(reply: dict[str, Any]) -> Decision:
            ref = reply.get("document")
            return Decision(
                state=DecisionState(reply["state"]),
                case_number=_is(str, reply.get("case_number") or ""),
                promise=date.fromisoformat(reply["promise"]) if reply.get("promise") else None,
                reason=_words(reply.get("reason")),
                document=DocumentRef(_is(str, ref["id"]), _is(str, ref["sha256"]), _is(int, ref["pages"]))
                if ref
                else None,
            )

        path = f"/v1/kiosks/{_part(self._kiosk)}/cases/{_part(epoch)}/{seq}/decision?wait_s={int(wait_s)}"
        return await self._json("GET", path, read, read_s=READ_S + wait_s)

    async def document(self, document: str) -> bytes:
        """GET /v1/documents/{id}."""
        return await self._call("GET", f"/v1/documents/{_part(document)}", lambda reply: reply)

    async def progress(self, local_number: str) -> CaseProgress | None:
        """GET /v1/progress/{number}; 404 is an answer."""

        def read(reply: dict[str, Any]) -> CaseProgress:
            return CaseProgress(state=str(reply["state"]), updated=str(reply["updated"]))

        try:
            return await self._json("GET", f"/v1/progress/{_part(local_number)}", read)
        except GatewayRejected as error:
            if error.reason == str(NOT_FOUND):
                return None
            raise

    async def _json(
        self,
        method: str,
        path: str,
        read: Callable[[dict[str, Any]], T],
        body: Mapping[str, object] | None = None,
        read_s: float = READ_S,
    ) -> T:
        def decode(content: bytes) -> T:
            try:
                return read(_sound(content))
            # What a broken reply can raise: not JSON, other keys or types, unknown enums, too deep, Infinity.
            except (ValueError, LookupError, TypeError, AttributeError, RecursionError, ArithmeticError) as error:
                raise GatewayUnreachable(
                    f"{method} {_pattern(path)}: reply makes no sense: {type(error).__name__}"
                ) from None

        return await self._call(method, path, decode, body, read_s)

    async def _call(
        self,
        method: str,
        path: str,
        decode: Callable[[bytes], T],
        body: Mapping[str, object] | None = None,
        read_s: float = READ_S,
    ) -> T:
        what = f"{method} {_pattern(path)}"
        self._under_way = {exchange for exchange in self._under_way if not exchange.done.done()}
        if self._closed or len(self._under_way) >= AT_ONCE:
            raise GatewayUnreachable(f"{what}: {'closed' if self._closed else f'{AT_ONCE} exchanges hang'}")
        exchange = Exchange(self._host, self._port, self._secure, CONNECT_S + read_s)
        self._under_way.add(exchange)
        content = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self._token()}", **self._headers}
        exchange.start(method, self._root + path, content, headers)
        try:
            async with asyncio.timeout(CONNECT_S + read_s):
                status, reply = await asyncio.wrap_future(exchange.done)
        except NotCentralError:
            raise GatewayUntrusted(f"{what}: the certificate is not central's") from None
        # No address, body or answer reaches an error's text. ValueError: a header or target http.client refuses.
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise GatewayUnreachable(f"{what}: {type(error).__name__}") from None
        finally:
            exchange.abort()  # a visit that was left, too, must not leave a thread reading
        return decode(_judged(what, status, reply))


def _judged(what: str, status: int, content: bytes) -> bytes:
    """Return the body of a good reply. Raises what the status means."""
    if status in {OK, CREATED}:
        return content
    if status in {UNAUTHORISED, FORBIDDEN}:  # the machine's fault, never the resident's
        raise GatewayRefused(f"{what}: status {status}: central does not let this terminal in; check its token")
    if CLIENT_ERRORS <= status < SERVER_ERRORS and status != TOO_MANY:
        raise _rejection(what, status, content)
    raise GatewayUnreachable(f"{what}: status {status}")


def _sound(content: bytes) -> Any:
    """Parse JSON of text that every later stage can write: no lone surrogates, no NaN, no Infinity."""
    found = json.loads(content)
    json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    return found


def _is(kind: type[T], value: object) -> T:
    """Return ``value`` when it is of ``kind``; JSON's true is no number. Raises ``TypeError``."""
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError
    return value


def _words(reason: object) -> Text:
    """Return central's words by language. Raises ``TypeError``."""
    if not reason:
        return NOTHING
    return words({_is(str, language): _is(str, said) for language, said in _is(dict, reason).items()})


def _part(value: str) -> str:
    """Return one part of a path: a number typed by a resident can hold anything."""
    return quote(value, safe="")


def _pattern(path: str) -> str:
    """Return the path without its variable parts: numbers and ids do not belong into a log."""
    fixed = re.compile(r"^(v1|[a-z-]+)$")
    return "/".join(part if fixed.match(part) else "…" for part in path.partition("?")[0].split("/"))


def _rejection(what: str, status: int, content: bytes) -> GatewayRejected:
    reason, said = str(status), None
    try:
        detail = _sound(content).get("detail")
        if isinstance(detail, dict):
            reason = str(detail.get("code", status))
            said = _words(detail.get("words")) or None
    except (ValueError, AttributeError, TypeError, RecursionError):
        said = None  # no answer of central's own: the status alone says no
    if status == NOT_FOUND:
        reason = str(NOT_FOUND)
    return GatewayRejected(f"{what}: status {status}", reason=reason, words=said)


def _named(person: Person) -> dict[str, str]:
    return {"name": person.name.reveal(), "id_no": person.id_no.reveal()}

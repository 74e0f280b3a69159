"""The gateway over HTTPS: requests in worker threads of its own, the authority pinned, no redirects."""

from __future__ import annotations

import asyncio
import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

import requests

from kiosk.errors import GatewayRejected, GatewayUnreachable, GatewayUntrusted
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
from kiosk.views import NOTHING, words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kiosk.session import Person

T = TypeVar("T")
CONNECT_S, READ_S = 3.0, 10.0
WORKERS = 2  # one may hold a long poll while the other serves
MAX_REPLY = 16 * 1024 * 1024  # bytes: the largest document central may send
NOT_FOUND, TOO_MANY = 404, 429
CLIENT_ERRORS, SERVER_ERRORS = 400, 500
OK = 200


class HttpGateway(Gateway):
    """See the module. ``tls_ca`` is the only authority accepted."""

    def __init__(self, url: str, *, kiosk: str, token: str, tls_ca: str) -> None:
        self._url = url.rstrip("/")
        self._kiosk = kiosk
        self._session = requests.Session()
        self._session.verify = tls_ca
        self._session.trust_env = False  # a proxy of the environment would see personal data
        self._session.headers.update({"Authorization": f"Bearer {token}", "X-Kiosk": kiosk})
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="gateway")

    async def close(self) -> None:
        """Stop the workers; a running request ends by its own deadline."""
        self._session.close()
        await asyncio.get_running_loop().run_in_executor(
            None, lambda: self._pool.shutdown(wait=True, cancel_futures=True)
        )

    async def catalogue(self) -> tuple[ServiceState, ...]:
        """GET /v1/catalogue."""

        def read(reply: dict[str, Any]) -> tuple[ServiceState, ...]:
            return tuple(
                ServiceState(
                    code=item["code"],
                    version=int(item["version"]),
                    open=item["state"] == "open",
                    reason=words(item["reason"]) if item.get("reason") else NOTHING,
                )
                for item in reply["services"]
            )

        return await self._json("GET", "/v1/catalogue", read)

    async def look_up(self, visit: str, service: str, version: int, purpose: str, person: Person) -> Lookup:
        """POST /v1/lookups."""
        body = {"visit": visit, "service": service, "version": version, "purpose": purpose, "person": _named(person)}

        def read(reply: dict[str, Any]) -> Lookup:
            return Lookup(
                known=bool(reply["known"]),
                record=bool(reply["record"]),
                other_regions=tuple(map(str, reply.get("other_regions", ()))),
                fields={str(key): str(value) for key, value in reply.get("fields", {}).items()},
                sms_masked=reply.get("sms_masked") or "",
            )

        return await self._json("POST", "/v1/lookups", read, body)

    async def send_code(self, visit: str, service: str, person: Person) -> Challenge:
        """POST /v1/sms-challenges."""
        body = {"visit": visit, "service": service, "person": _named(person)}

        def read(reply: dict[str, Any]) -> Challenge:
            return Challenge(
                id=reply["challenge"],
                masked=reply["masked"],
                expires_s=int(reply["expires_s"]),
                resend_after_s=int(reply["resend_after_s"]),
            )

        return await self._json("POST", "/v1/sms-challenges", read, body)

    async def check_code(self, challenge: str, visit: str, code: str) -> CodeAnswer:
        """POST /v1/sms-challenges/{id}/answers."""

        def read(reply: dict[str, Any]) -> CodeAnswer:
            return CodeAnswer(CodeVerdict(reply["verdict"]), int(reply["attempts_left"]))

        return await self._json("POST", f"/v1/sms-challenges/{challenge}/answers", read, {"visit": visit, "code": code})

    async def decision(self, epoch: str, seq: int, wait_s: float) -> Decision:
        """GET /v1/kiosks/{kiosk}/cases/{epoch}/{seq}/decision, a long poll."""

        def read(reply: dict[str, Any]) -> Decision:
            ref = reply.get("document")
            return Decision(
                state=DecisionState(reply["state"]),
                case_number=reply.get("case_number") or "",
                promise=date.fromisoformat(reply["promise"]) if reply.get("promise") else None,
                reason=words(reply["reason"]) if reply.get("reason") else NOTHING,
                document=DocumentRef(ref["id"], ref["sha256"], int(ref["pages"])) if ref else None,
            )

        path = f"/v1/kiosks/{self._kiosk}/cases/{epoch}/{seq}/decision?wait_s={int(wait_s)}"
        return await self._json("GET", path, read, read_s=READ_S + wait_s)

    async def document(self, document: str) -> bytes:
        """GET /v1/documents/{id}."""
        return await self._call("GET", f"/v1/documents/{document}", lambda reply: reply)

    async def progress(self, local_number: str) -> CaseProgress | None:
        """GET /v1/progress/{number}; 404 is an answer."""

        def read(reply: dict[str, Any]) -> CaseProgress:
            return CaseProgress(state=str(reply["state"]), updated=str(reply["updated"]))

        try:
            return await self._json("GET", f"/v1/progress/{local_number}", read)
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
                return read(json.loads(content))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise GatewayUnreachable(
                    f"{path.partition('?')[0]}: reply makes no sense: {type(error).__name__}"
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
        loop = asyncio.get_running_loop()
        content = await loop.run_in_executor(self._pool, self._request, method, path, body, read_s)
        return decode(content)

    def _request(self, method: str, path: str, body: Mapping[str, object] | None, read_s: float) -> bytes:
        """Do one exchange in a worker thread. No address, body or answer reaches an error's text."""
        what = f"{method} {_pattern(path)}"
        try:
            reply = self._session.request(
                method, self._url + path, json=body, timeout=(CONNECT_S, read_s), allow_redirects=False, stream=True
            )
            with reply:
                content = reply.raw.read(MAX_REPLY + 1, decode_content=True)
        except requests.exceptions.SSLError:
            raise GatewayUntrusted(f"{what}: the certificate is not central's") from None
        except (requests.RequestException, OSError) as error:
            raise GatewayUnreachable(f"{what}: {type(error).__name__}") from None
        if len(content) > MAX_REPLY:
            raise GatewayUnreachable(f"{what}: reply larger than {MAX_REPLY} bytes")
        if reply.status_code == OK:
            return bytes(content)
        if CLIENT_ERRORS <= reply.status_code < SERVER_ERRORS and reply.status_code != TOO_MANY:
            raise _rejection(what, reply.status_code, content)
        raise GatewayUnreachable(f"{what}: status {reply.status_code}")


def _pattern(path: str) -> str:
    """Return the path without its variable parts: numbers and ids do not belong into a log."""
    fixed = re.compile(r"^(v1|[a-z-]+)$")
    return "/".join(part if fixed.match(part) else "…" for part in path.partition("?")[0].split("/"))


def _rejection(what: str, status: int, content: bytes) -> GatewayRejected:
    reason, said = str(status), None
    try:
        detail = json.loads(content).get("detail")
    except (ValueError, AttributeError):
        detail = None
    if isinstance(detail, dict):
        reason = str(detail.get("code", status))
        if isinstance(detail.get("words"), dict):
            said = words({str(k): str(v) for k, v in detail["words"].items()})
    if status == NOT_FOUND:
        reason = str(NOT_FOUND)
    return GatewayRejected(f"{what}: status {status}", reason=reason, words=said)


def _named(person: Person) -> dict[str, str]:
    return {"name": person.name.reveal(), "id_no": person.id_no.reveal()}

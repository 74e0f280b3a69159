"""The dock: the world's control socket and its small page, on the loopback address only.

The address carries a random token, so that neither another user of the machine nor a page in a browser can move the
world; requests that name another host or come from another origin are refused besides.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devices.sim.actions import Actions, choices, known_actions
from devices.sim.central_window import CentralSilent
from devices.sim.glass_machine import SCENES
from devices.sim.personas import PERSONAS
from devices.sim.pin_pad_machine import USAGES
from devices.sim.wallet import CARDS
from devices.sim.world import WorldRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.sim.world import World

PAGE = Path(__file__).parent / "dock_page"
HEAD_LIMIT = 16_384
BODY_LIMIT = 65_536
REQUEST_LIMIT_S = 10.0
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".txt": "text/plain; charset=utf-8",
}
SAFETY_HEADERS = (
    "Content-Security-Policy: default-src 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options: nosniff",
    "Referrer-Policy: no-referrer",
    "Cache-Control: no-store",
)


class _Refused(Exception):
    """The request is answered with this status and these words."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Answer:
    status: HTTPStatus
    kind: str
    body: bytes


def _json(value: object, status: HTTPStatus = HTTPStatus.OK) -> _Answer:
    return _Answer(status, "application/json", json.dumps(value, ensure_ascii=False).encode())


class Dock:
    """HTTP server over one :class:`World`. ``address_file`` tells ``kioskctl world`` where it is."""

    def __init__(self, world: World, address_file: Path) -> None:
        self._world = world
        self._actions = Actions(world)
        self._address_file = address_file
        self._token = secrets.token_urlsafe(24)
        self._server: asyncio.Server | None = None
        self._requests: set[asyncio.Task[None]] = set()
        self._port = 0

    @property
    def url(self) -> str:
        """Address of the page; with the token, for the owner's eyes only."""
        return f"http://127.0.0.1:{self._port}/{self._token}/"

    async def start(self) -> None:
        """Listen and write the address file, readable by its owner only."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=HEAD_LIMIT)
        self._port = self._server.sockets[0].getsockname()[1]
        self._write_address()

    def _write_address(self) -> None:
        self._address_file.parent.mkdir(parents=True, exist_ok=True)
        self._address_file.unlink(missing_ok=True)
        handle = os.open(self._address_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"url": self.url}, file)

    async def stop(self) -> None:
        """Stop listening and end running requests. Idempotent."""
        server, self._server = self._server, None
        if server is None:
            return
        self._address_file.unlink(missing_ok=True)
        server.close()
        running = tuple(self._requests)
        for request in running:
            request.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a request runs as a task of its server")
        self._requests.add(task)
        try:
            async with asyncio.timeout(REQUEST_LIMIT_S):
                answer = await self._answer(reader)
                head = [
                    f"HTTP/1.1 {answer.status.value} {answer.status.phrase}",
                    f"Content-Type: {answer.kind}",
                    f"Content-Length: {len(answer.body)}",
                    "Connection: close",
                    *SAFETY_HEADERS,
                ]
                writer.write("\r\n".join([*head, "", ""]).encode("ascii") + answer.body)
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.transport.abort()  # the caller is gone, too slow, or the dock stops; nobody awaits this task
        finally:
            self._requests.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> _Answer:
        try:
            request = await _read(reader)
            self._admit(request)
            return await self._route(request)
        except _Refused as refusal:
            return _json({"error": str(refusal)}, refusal.status)
        except WorldRefused as refusal:
            return _json({"error": str(refusal)}, HTTPStatus.BAD_REQUEST)
        except CentralSilent as silence:
            return _json({"error": f"central: {silence}"}, HTTPStatus.BAD_GATEWAY)

    def _admit(self, request: _Request) -> None:
        here = f"127.0.0.1:{self._port}"
        if request.headers.get("host") != here:
            raise _Refused(HTTPStatus.MISDIRECTED_REQUEST, "this address serves its own name only")
        if request.headers.get("origin", f"http://{here}") != f"http://{here}":
            raise _Refused(HTTPStatus.FORBIDDEN, "another page may not move the world")
        token = request.path.partition("/")[2].partition("/")[0]
        if not hmac.compare_digest(token.encode(), self._token.encode()):
            raise _Refused(HTTPStatus.NOT_FOUND, "nothing here")

    async def _route(self, request: _Request) -> _Answer:
        what = request.path.removeprefix(f"/{self._token}").removeprefix("/").partition("?")[0]
        match request.method, what:
            case "GET", "world":
                return _json(self._world.state())
            case "GET", "central":
                return _json(await self._central())
            case "POST", "world":
                return await self._move(request)
            case "GET", path if path.startswith("paper/"):
                return _file(self._world.folder, path.removeprefix("paper/"))
            case "GET", "people":
                return _json(self._people())
            case "GET", path:
                return _file(PAGE, path or "index.html")
        raise _Refused(HTTPStatus.METHOD_NOT_ALLOWED, "GET, or POST to world")

    def _people(self) -> dict[str, Any]:
        """Return everybody and everything an action can name."""
        return {
            "people": [{"key": p.key, "name": p.name, "face": p.face} for p in PERSONAS.values()],
            "faces": self._world.camera.faces(),
            "cards": [dataclasses.asdict(card) for card in CARDS.values()],
            "scenes": list(SCENES),
            "keys": list(USAGES),
            "actions": known_actions(),
            "choices": choices(),
        }

    async def _move(self, request: _Request) -> _Answer:
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            raise _Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send application/json")
        try:
            values = json.loads(request.body)
        except ValueError as error:
            raise _Refused(HTTPStatus.BAD_REQUEST, f"not JSON: {error}") from None
        if not isinstance(values, dict) or not isinstance(values.get("action"), str):
            raise _Refused(HTTPStatus.BAD_REQUEST, 'expected {"action": "card.insert", "card": "P1"}')
        await self._actions.act(values.pop("action"), values)
        return _json(self._world.state())

    async def _central(self) -> dict[str, Any]:
        """Return the far side's messages and counts, or why there are none: the page shows either."""
        window = self._world.central
        if window is None:
            return {"sms": [], "state": {}, "silent": "started without central"}
        try:
            return {"sms": await window.sms(), "state": await window.state(), "silent": ""}
        except CentralSilent as silence:
            return {"sms": [], "state": {}, "silent": str(silence)}


async def _read(reader: asyncio.StreamReader) -> _Request:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.LimitOverrunError:
        raise _Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"above {HEAD_LIMIT} bytes of head") from None
    try:
        method, path, _ = head[0].split(" ")
    except ValueError:
        raise _Refused(HTTPStatus.BAD_REQUEST, "not a request line") from None
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    length = headers.get("content-length", "0")
    if not length.isdecimal() or "transfer-encoding" in headers:
        raise _Refused(HTTPStatus.LENGTH_REQUIRED, "say the length of the body")
    if int(length) > BODY_LIMIT:
        raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"above {BODY_LIMIT} bytes")
    return _Request(method, path, headers, await reader.readexactly(int(length)))


def _file(root: Path, name: str) -> _Answer:
    """Return a file below ``root``; nothing outside it, whatever the name says."""
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()) or path.suffix not in TYPES or not path.is_file():
        raise _Refused(HTTPStatus.NOT_FOUND, "nothing here")
    return _Answer(HTTPStatus.OK, TYPES[path.suffix], path.read_bytes())


@contextlib.asynccontextmanager
async def docked(world: World, address_file: Path) -> Any:
    """Run a dock over ``world`` as long as the block lasts."""
    dock = Dock(world, address_file)
    await dock.start()
    try:
        yield dock
    finally:
        await dock.stop()

"""The dock: who may move the world, and what it answers when asked for nonsense."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from devices.sim.dock import Dock
from devices.sim.dock_client import DockClient, DockError
from devices.sim.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FACES = Path(__file__).parents[2] / "build" / "faces"


@pytest.fixture
async def dock(tmp_path: Path) -> AsyncIterator[Dock]:
    """Return a dock over a world whose machines are not switched on: only their levers are needed."""
    world = World(tmp_path / "world", FACES, None)
    made = Dock(world, tmp_path / "run" / "dock.json")
    await made.start()
    yield made
    await made.stop()


async def ask(dock: Dock, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, Any]:
    """Ask as any program on this machine could: with every header under its control."""

    def blocking() -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", urlsplit(dock.url).port or 0, timeout=5)
        try:
            connection.request(
                method, path, body=body or None, headers={k.replace("_", "-"): v for k, v in headers.items()}
            )
            answer = connection.getresponse()
            content = answer.read()
            kind = answer.headers["Content-Type"]
            return answer.status, json.loads(content) if kind == "application/json" else content
        finally:
            connection.close()

    return await asyncio.to_thread(blocking)


def token(dock: Dock) -> str:
    return urlsplit(dock.url).path


async def test_address_file_is_for_its_owner_only_and_goes_with_the_dock(dock: Dock, tmp_path: Path) -> None:
    file = tmp_path / "run" / "dock.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert DockClient.from_file(file)
    await dock.stop()
    with pytest.raises(DockError, match="no world runs"):
        DockClient.from_file(file)


async def test_without_the_token_there_is_nothing(dock: Dock) -> None:
    for path in ("/", "/world", "/wrong/world", token(dock)[:-2] + "/world"):
        assert (await ask(dock, "GET", path))[0] == 404


async def test_a_page_from_elsewhere_may_not_move_the_world(dock: Dock) -> None:
    body = b'{"action": "card.lift"}'
    path = token(dock) + "world"
    status, _ = await ask(dock, "POST", path, body, Origin="http://evil.example", Content_Type="application/json")
    assert status == 403
    status, _ = await ask(dock, "POST", path, body, Host="evil.example", Content_Type="application/json")
    assert status == 421


async def test_a_form_may_not_move_the_world(dock: Dock) -> None:
    status, _ = await ask(dock, "POST", token(dock) + "world", b"action=card.lift", Content_Type="text/plain")
    assert status == 415


@pytest.mark.parametrize("name", ["../../etc/passwd", "..%2f..%2fetc%2fpasswd", "/etc/passwd", "../run/dock.json"])
async def test_paper_is_never_read_from_outside_the_worlds_folder(dock: Dock, name: str) -> None:
    assert (await ask(dock, "GET", f"{token(dock)}paper/{name}"))[0] == 404


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"{", "not JSON"),
        (b"[]", "expected"),
        (b'{"action": "card.eat"}', "no action 'card.eat'; known are board.plug"),
        (b'{"action": "card.insert", "card": "P99"}', "no card 'P99'; known are p1"),
        (b'{"action": "card.insert", "colour": "red"}', "colour"),
        (b'{"action": "paper.out", "printer": "tv"}', "'sheets' or 'slips'"),
        (b'{"action": "line.cut"}', "started without central"),
        (b'{"action": "face.show", "face": "ghost"}', "no face 'ghost'"),
    ],
)
async def test_nonsense_is_refused_with_what_is_known(dock: Dock, body: bytes, complaint: str) -> None:
    status, answer = await ask(dock, "POST", token(dock) + "world", body, Content_Type="application/json")
    assert status == 400
    assert complaint in answer["error"]


async def test_a_body_without_end_is_refused_before_it_is_read(dock: Dock) -> None:
    path = token(dock) + "world"
    status, _ = await ask(dock, "POST", path, b"x", Content_Length="99999999", Content_Type="application/json")
    assert status == 413


async def test_the_page_brings_nothing_from_elsewhere(dock: Dock) -> None:
    status, page = await ask(dock, "GET", token(dock))
    assert status == 200
    for part in ("dock.css", "dock.js"):
        assert (await ask(dock, "GET", token(dock) + part))[0] == 200
        assert part.encode() in page
    assert b"http://" not in page
    assert b"https://" not in page


async def test_every_button_of_the_page_is_an_action_the_world_knows(dock: Dock) -> None:
    _, page = await ask(dock, "GET", token(dock))
    _, known = await ask(dock, "GET", token(dock) + "people")
    buttons = set(re.findall(r'data-(?:action|toggle|off)="([^"]+)"', page.decode()))
    assert buttons <= set(known["actions"])


async def test_client_tells_the_docks_own_words(dock: Dock) -> None:
    client = DockClient(dock.url)
    with pytest.raises(DockError, match="no card 'P99'"):
        await asyncio.to_thread(client.act, "card.insert", card="P99")
    assert (await asyncio.to_thread(client.state))["line"] == "none"

"""Speaks to the dock from another process: for ``kioskctl world`` and for the player. Blocking; bounded in time."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from pathlib import Path

ANSWER_LIMIT_S = 10.0
ANSWER_MAX_BYTES = 8 << 20


class DockError(Exception):
    """The dock refused, with its own words, or cannot be reached."""


class DockClient:
    """One dock, by its address with the token."""

    def __init__(self, url: str) -> None:
        at = urlsplit(url)
        if at.scheme != "http" or at.hostname != "127.0.0.1" or at.port is None:
            raise DockError(f"a dock's address is http://127.0.0.1:PORT/TOKEN/, found {url!r}")
        self._port = at.port
        self._path = at.path.rstrip("/")

    @classmethod
    def from_file(cls, address_file: Path) -> DockClient:
        """Read the address the dock wrote. Raises ``DockError`` when no world runs there."""
        try:
            return cls(json.loads(address_file.read_text(encoding="utf-8"))["url"])
        except FileNotFoundError:
            raise DockError(f"no world runs: {address_file} is not there; start it with `make run`") from None
        except (OSError, ValueError, KeyError) as error:
            raise DockError(f"{address_file}: {error}") from error

    def act(self, action: str, **values: object) -> dict[str, Any]:
        """Let something happen; return the state afterwards. Raises ``DockError``."""
        return self._ask("POST", "/world", {"action": action, **values})

    def state(self) -> dict[str, Any]:
        """Return the world's state. Raises ``DockError``."""
        return self._ask("GET", "/world")

    def central(self) -> dict[str, Any]:
        """Return what central shows: ``sms``, ``state``, and ``silent``: why not. Raises ``DockError``."""
        return self._ask("GET", "/central")

    def people(self) -> dict[str, Any]:
        """Return people, faces and actions known. Raises ``DockError``."""
        return self._ask("GET", "/people")

    def _ask(self, method: str, path: str, body: dict[str, object] | None = None) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_LIMIT_S)
        try:
            connection.request(
                method,
                self._path + path,
                body=None if body is None else json.dumps(body).encode(),
                headers={"Content-Type": "application/json"} if body is not None else {},
            )
            response = connection.getresponse()
            answer = json.loads(response.read(ANSWER_MAX_BYTES))
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise DockError(f"{path}: the dock does not answer: {error}") from error
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise DockError(str(answer.get("error", response.status)))
        return dict(answer)

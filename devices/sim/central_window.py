"""What a developer may see and upset at the demo's central: text messages sent, cases, faults.

Reaches central beside the terminal's line, so that it still answers while that line is cut.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

ANSWER_LIMIT_S = 5.0
ANSWER_MAX_BYTES = 4 << 20


class CentralSilent(OSError):
    """Central does not answer, or not with what was asked for."""


class CentralWindow:
    """Client of the endpoints under ``/sim`` that central has in its demo only."""

    def __init__(self, url: str, tls_ca: str) -> None:
        if urlsplit(url).scheme not in {"http", "https"}:
            raise ValueError(f"central's address must begin with http:// or https://, found {url!r}")
        self.url = url.rstrip("/")
        self._tls = ssl.create_default_context(cafile=tls_ca) if tls_ca else None

    async def sms(self) -> list[dict[str, Any]]:
        """Return the text messages sent so far, oldest first. Raises ``CentralSilent``."""
        answer = await self._ask("/sim/sms")
        return answer if isinstance(answer, list) else answer["messages"]

    async def state(self) -> dict[str, Any]:
        """Return what central counts: cases, items, alarms. Raises ``CentralSilent``."""
        return dict(await self._ask("/sim/state"))

    async def faults(self, faults: dict[str, Any]) -> None:
        """Switch faults of the far side on or off. Raises ``CentralSilent``."""
        await self._ask("/sim/faults", faults)

    async def certify(self, technician: str, role: str, public_key: str) -> str:
        """Return the certificate (PEM) of a technician's card with this key (PEM). Raises ``CentralSilent``."""
        wanted = {"technician": technician, "role": role, "public_key": public_key}
        return str((await self._ask("/sim/technicians", wanted))["certificate"])

    async def order(self, kiosk: str, technician: str, role: str) -> str:
        """Return the number of an order that lets the technician open the terminal. Raises ``CentralSilent``."""
        wanted = {"kiosk": kiosk, "technician": technician, "role": role}
        return str((await self._ask("/sim/orders", wanted))["number"])

    async def _ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        return await asyncio.to_thread(self._ask_blocking, path, body)

    def _ask_blocking(self, path: str, body: dict[str, Any] | None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked when constructed
            self.url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_LIMIT_S, context=self._tls) as answer:  # noqa: S310
                return json.loads(answer.read(ANSWER_MAX_BYTES))
        except urllib.error.HTTPError as error:
            raise CentralSilent(f"{path}: {error.code} {error.read(300).decode(errors='replace')}") from error
        except (OSError, ValueError) as error:
            raise CentralSilent(f"{path}: {error}") from error

"""A supply, and the upsd that looks after it, at the far end of a TCP link. Shares no code with the driver."""

from __future__ import annotations

import asyncio
import itertools
import shlex

SERVER = "Network UPS Tools upsd 2.8.0 - http://www.networkupstools.org/"


class UpsdMachine:
    """One upsd on a free port of 127.0.0.1 that stays the same over unplugging, with supplies of any state.

    ``variables``: by supply, what it says, ``ups.status`` among it. ``trouble``: by supply, the error code upsd answers
    with instead, such as ``DATA-STALE``.
    """

    def __init__(self, name: str = "cabinet") -> None:
        self.host = "127.0.0.1"
        self.port = 0
        self.asked: list[str] = []
        self.logged_in: list[str] = []
        self.users: dict[str, str] = {}
        self.variables: dict[str, dict[str, str]] = {
            name: {
                "ups.status": "OL CHRG",
                "battery.charge": "97",
                "battery.runtime": "1800",
                "device.model": 'Box "600"',
                "device.serial": "S1",
            }
        }
        self.trouble: dict[str, str] = {}
        self._delays: list[float] = []
        self._mute = False
        self._server: asyncio.Server | None = None
        self._clients: dict[int, asyncio.StreamWriter] = {}
        self._numbers = itertools.count()
        self._hung_up = asyncio.Event()
        self._hung_up.set()

    async def start(self) -> None:
        """Listen. Idempotent."""
        await self.plug()

    async def stop(self) -> None:
        """Hang up for good. Idempotent."""
        await self.unplug()

    async def plug(self) -> None:
        """Listen, at the same port as before."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, self.host, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def unplug(self) -> None:
        """Break every connection and listen no longer."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for client in tuple(self._clients.values()):
            client.transport.abort()
        await server.wait_closed()
        await self._hung_up.wait()

    def say(self, status: str, supply: str = "") -> None:
        """Set the words of ``ups.status``, of the first supply by default."""
        self.variables[supply or next(iter(self.variables))]["ups.status"] = status

    def mute(self, on: bool) -> None:
        """Answer nothing."""
        self._mute = on

    def delay(self, seconds: float, times: int = 1) -> None:
        """Let the next answers come late."""
        self._delays += [seconds] * times

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = next(self._numbers)
        self._clients[number] = writer
        self._hung_up.clear()
        user: dict[str, str] = {}
        try:
            while line := await reader.readline():
                self.asked.append(line.decode().strip())
                answer = self._answer(shlex.split(line.decode()), user)
                if self._delays:
                    await asyncio.sleep(self._delays.pop(0))
                if not self._mute:
                    writer.write(answer.encode() + b"\n")
        except OSError:
            pass  # the terminal hung up, or the cable was pulled
        finally:
            del self._clients[number]
            writer.close()
            if not self._clients:
                self._hung_up.set()

    def _answer(self, asked: list[str], user: dict[str, str]) -> str:
        match asked:
            case ["VER"]:
                return SERVER
            case ["LIST", "UPS"]:
                return "\n".join(
                    ["BEGIN LIST UPS", *(f'UPS {name} "a box"' for name in self.variables), "END LIST UPS"]
                )
            case ["GET", "VAR", supply, variable]:
                return self._value(supply, variable)
            case ["USERNAME" | "PASSWORD" as what, value]:
                user[what] = value
                return "OK"
            case ["LOGIN", supply]:
                if user.get("PASSWORD") != self.users.get(user.get("USERNAME", ""), ""):
                    return "ERR ACCESS-DENIED"
                self.logged_in.append(supply)
                return "OK"
            case _:
                return "ERR UNKNOWN-COMMAND"

    def _value(self, supply: str, variable: str) -> str:
        if supply not in self.variables:
            return "ERR UNKNOWN-UPS"
        if supply in self.trouble:
            return f"ERR {self.trouble[supply]}"
        if variable not in self.variables[supply]:
            return "ERR VAR-NOT-SUPPORTED"
        value = self.variables[supply][variable].replace("\\", "\\\\").replace('"', '\\"')
        return f'VAR {supply} {variable} "{value}"'

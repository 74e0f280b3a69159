"""An uninterruptible supply that Network UPS Tools looks after: upsd on this machine knows it, whatever its make."""

from __future__ import annotations

import asyncio
import contextlib
import math
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from devices.device import DeviceInfo
from devices.drivers.nut_client import NutClient, Refused, meaning, quoted
from devices.errors import DeviceCode, DeviceError, DeviceFault, DeviceProtocolError, DeviceUnavailable
from devices.health import DEGRADING, Condition, Health, HealthState
from devices.power import Power, PowerState

if TYPE_CHECKING:
    from collections.abc import Callable

E = TypeVar("E", bound=DeviceError)

PORT: Final = 3493  # registered for nut (RFC 9271)
POLL_S: Final = 1.0  # upsd itself hears its supplies every two seconds
FULL: Final = 100.0
# Words of ups.status, as the drivers of Network UPS Tools 2.8 say them.
CONDITIONS: Final = {
    "OB": Condition.ON_BATTERY,
    "LB": Condition.BATTERY_LOW,
    "FSD": Condition.BATTERY_LOW,
    "RB": Condition.BATTERY_WORN,
}
BARE: Final = frozenset({"BYPASS", "OFF", "OVER", "ALARM", "OVERHEAT"})  # fed, and not backed up as it should be
SILENT: Final = Health(HealthState.UNKNOWN, frozenset({Condition.SILENT}))
UNSAID: Final = Health(HealthState.UNKNOWN)


class NutPower(Power):
    """``ups``: its name in upsd, needed where upsd knows several.

    ``username`` and ``password_file`` (its first line) let upsd count this machine among those the supply feeds, so
    that it waits for it before it cuts the power; reading the state needs neither.
    """

    def __init__(
        self,
        name: str,
        host: str = "127.0.0.1",
        port: int = PORT,
        *,
        ups: str = "",
        username: str = "",
        password_file: str = "",
    ) -> None:
        if bool(username) != bool(password_file):
            raise ValueError("username and password_file belong together")
        self._name = name
        self._host = host
        self._port = port
        self._wanted = ups
        self._login = (username, password_file)
        self._client: NutClient | None = None
        self._ups = ups
        self._plate = ("", "")
        self._told: tuple[bool, bool] | None = None  # on_mains and must_end, as said last; None: not known yet
        self._tell: Callable[[DeviceError], None] | None = None

    def on_lost(self, tell: Callable[[DeviceError], None]) -> None:
        """Let ``tell`` hear that upsd has hung up."""
        self._tell = tell

    async def open(self) -> None:
        """Connect and find the supply; that upsd does not hear it just now is the probe's affair.

        Raises ``DeviceUnavailable``, ``DeviceFault`` for settings that do not fit upsd's.
        """
        if self._client is not None:
            return
        client = NutClient(self._host, self._port, self._lost)
        try:
            await client.open()
            await client.ask("VER")
            self._ups = await self._find(client)
            await self._log_in(client)
            self._plate = (await self._say(client, "device.model"), await self._say(client, "device.serial"))
        except DeviceError as error:
            await client.close()
            raise self._mine(error) from None
        except Refused as error:
            await client.close()
            raise self._mine(meaning(error, self._wanted)) from None
        except BaseException:
            await client.close()
            raise
        self._client = client
        self._told = None
        try:
            with contextlib.suppress(DeviceUnavailable, DeviceProtocolError):  # then the first known state is a change
                await self.state()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Disconnect; upsd counts this machine no longer. Never raises."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def probe(self) -> Health:
        """Ask how the supply is. One that upsd does not hear is ``UNKNOWN``, never ready. Raises ``DeviceError``."""
        client = self._require_open()
        try:
            flags = await self._flags(client)
        except Refused as error:
            refusal = meaning(error, self._ups)
            if isinstance(refusal, DeviceUnavailable):
                return SILENT
            raise self._mine(refusal) from None
        except DeviceError as error:
            raise self._mine(error) from None
        return health(flags)

    def info(self) -> DeviceInfo:
        """Return the name plate; model and serial number as the supply says, once it was open."""
        model, serial = self._plate
        return DeviceInfo("nut", f"{self._ups}@{self._host}:{self._port}", model=model, serial=serial)

    async def state(self) -> PowerState:
        """Ask the supply.

        Raises ``DeviceUnavailable`` when upsd does not hear it, ``DeviceProtocolError`` when the supply does not say
        whether mains is there.
        """
        client = self._require_open()
        try:
            flags = await self._flags(client)
            percent = _number(await self._say(client, "battery.charge"))
            runtime_s = _number(await self._say(client, "battery.runtime"))
        except Refused as error:
            raise self._mine(meaning(error, self._ups)) from None
        except DeviceError as error:
            raise self._mine(error) from None
        on_mains, must_end = self._mains(flags)
        self._told = (on_mains, must_end)
        if percent is not None and percent > FULL:
            percent = FULL
        return PowerState(on_mains, percent, runtime_s, must_end)

    async def changed(self) -> PowerState:
        """Ask every second. Raises as :meth:`state`."""
        told = self._told
        while True:
            client = self._require_open()
            try:
                flags = await self._flags(client)
            except Refused as error:
                raise self._mine(meaning(error, self._ups)) from None
            except DeviceError as error:
                raise self._mine(error) from None
            if self._mains(flags) != told:
                state = await self.state()
                if (state.on_mains, state.must_end) != told:
                    return state
            await asyncio.sleep(POLL_S)

    def _mains(self, flags: frozenset[str]) -> tuple[bool, bool]:
        """Return (on mains, must end). Raises ``DeviceProtocolError`` when the supply does not say."""
        try:
            return mains(flags)
        except DeviceProtocolError as error:
            raise self._mine(error) from None

    async def _flags(self, client: NutClient) -> frozenset[str]:
        return frozenset((await self._value(client, "ups.status")).split())

    async def _say(self, client: NutClient, variable: str) -> str:
        """Return a variable not every supply has; empty where this one has not."""
        try:
            return await self._value(client, variable)
        except Refused as error:
            if str(error) in {"VAR-NOT-SUPPORTED", "DATA-STALE", "DRIVER-NOT-CONNECTED"}:
                return ""
            raise

    async def _value(self, client: NutClient, variable: str) -> str:
        answer = await client.ask(f"GET VAR {self._ups} {variable}")
        match answer:
            case ["VAR", ups, said, value] if (ups, said) == (self._ups, variable):
                return value
            case _:
                raise DeviceProtocolError(f"upsd answers with {answer[0]!r} to GET VAR")

    async def _find(self, client: NutClient) -> str:
        """Return the supply's name. Raises ``DeviceFault`` when the settings do not say which one is meant."""
        known = [line[1] for line in await client.ask_list("UPS") if len(line) > 1]
        if self._wanted in known:
            return self._wanted
        if not self._wanted and len(known) == 1:
            return known[0]
        raise DeviceFault(f"upsd has no supply {self._wanted!r}; it has: {', '.join(known) or 'none'}")

    async def _log_in(self, client: NutClient) -> None:
        username, password_file = self._login
        if not username:
            return
        password = self._password(password_file)
        await client.ask(f"USERNAME {quoted(username)}")
        await client.ask(f"PASSWORD {quoted(password)}")
        await client.ask(f"LOGIN {self._ups}")

    @staticmethod
    def _password(file: str) -> str:
        """Read one line of a local file: nothing that would hold up the loop."""
        try:
            return Path(file).read_text(encoding="utf-8").partition("\n")[0]
        except (OSError, ValueError) as error:
            raise DeviceFault(f"password_file {file} cannot be read: {type(error).__name__}") from None

    def _lost(self) -> None:
        if self._tell is not None and self._client is not None:
            self._tell(self._mine(DeviceUnavailable(f"upsd at {self._client.address} has hung up")))

    def _require_open(self) -> NutClient:
        if self._client is None:
            raise self._mine(DeviceUnavailable("supply is closed: call open() first", code=DeviceCode.CLOSED))
        return self._client

    def _mine(self, error: E) -> E:
        error.device = self._name
        return error


def mains(flags: frozenset[str]) -> tuple[bool, bool]:
    """Return (on mains, must end) as the words of ``ups.status`` say.

    A supply whose battery is low on mains is charging it. Raises ``DeviceProtocolError`` when neither is said: a driver
    that has just started says ``WAIT``.
    """
    on_battery = "OB" in flags
    if not on_battery and not flags & {"OL", "BYPASS"}:
        raise DeviceProtocolError(f"supply does not say whether mains is there: {' '.join(sorted(flags)) or 'nothing'}")
    return not on_battery, "FSD" in flags or (on_battery and "LB" in flags)


def health(flags: frozenset[str]) -> Health:
    """Return what the words of ``ups.status`` mean."""
    if not flags & {"OL", "OB", "BYPASS"}:
        return UNSAID
    conditions = frozenset(CONDITIONS[flag] for flag in flags & CONDITIONS.keys())
    if flags & BARE and conditions <= DEGRADING:
        return Health(HealthState.DEGRADED, conditions)
    return Health.of(conditions)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None

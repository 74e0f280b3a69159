"""The driver for Network UPS Tools, against the contract of a supply: with the real upsd, and with a simulated one."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devices.drivers import nut_power
from devices.drivers.nut_client import quoted, words
from devices.drivers.nut_power import SILENT, UNSAID, NutPower, health, mains
from devices.errors import DeviceError, DeviceFault, DeviceProtocolError, DeviceTimeout, DeviceUnavailable
from devices.health import READY, Condition, Health, HealthState
from devices.power import PowerState
from devices.sim.upsd_machine import UpsdMachine
from devices.testing.device import cancelled_in_time, error_of, opened, running, until
from devices.testing.power import PowerContract

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

PROGRAMS = Path("/lib/nut")  # Debian's place for upsd and its drivers; /usr/sbin/upsd is a wrapper that asks nut.conf
SUPPLY = "cabinet"
PASSWORD = 'quo"te \\ and blank'  # noqa: S105 - of the private upsd below


def status(*, mains: bool, low: bool = False, worn: bool = False, end: bool = False) -> str:
    flags = {"OL" if mains else "OB": True, "LB": low, "RB": worn, "FSD": end}
    return " ".join(flag for flag, on in flags.items() if on)


class SimHands:
    """The contract's hands on the simulated upsd."""

    def __init__(self, machine: UpsdMachine) -> None:
        self.machine = machine
        self.unplug, self.plug = machine.unplug, machine.plug

    async def mute(self) -> None:
        self.machine.mute(True)

    async def unmute(self) -> None:
        self.machine.mute(False)

    async def supply(self, *, mains: bool, low: bool = False, worn: bool = False, end: bool = False) -> None:
        self.machine.say(status(mains=mains, low=low, worn=worn, end=end))

    async def forget(self) -> None:
        self.machine.trouble[SUPPLY] = "DRIVER-NOT-CONNECTED"

    async def remember(self) -> None:
        self.machine.trouble.clear()


@pytest.fixture
async def machine() -> AsyncIterator[UpsdMachine]:
    machine = UpsdMachine(SUPPLY)
    await machine.start()
    yield machine
    await machine.stop()


@pytest.fixture
async def device(machine: UpsdMachine, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[NutPower]:
    monkeypatch.setattr(nut_power, "POLL_S", 0.1)
    device = NutPower("power", machine.host, machine.port)
    yield device
    await device.close()


@pytest.fixture
def hands(machine: UpsdMachine) -> SimHands:
    return SimHands(machine)


class TestNutPower(PowerContract):
    """With the simulated upsd."""


class RealUpsd:
    """The real upsd and its driver for a supply that is a file, in a private folder, on a loopback port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self.said = ""
        self._written = 0
        self._upsd: subprocess.Popen[bytes] | None = None
        self._driver: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.folder.mkdir(mode=0o700)
        files = {
            "ups.conf": f"maxretry = 1\npollinterval = 1\n[{SUPPLY}]\ndriver = dummy-ups\nport = supply.dev\n"
            "mode = dummy-once\n",
            "upsd.conf": f"LISTEN 127.0.0.1 {self.port}\nMAXAGE 2\nSTATEPATH {self.folder}\n",
            "upsd.users": f"[tongban]\npassword = {quoted(PASSWORD)}\nupsmon secondary\n",
        }
        for name, text in files.items():
            path = self.folder / name
            path.write_text(text)
            path.chmod(0o600)
        self.say("OL")
        self._driver = self._run("dummy-ups", "-a", SUPPLY)
        _wait_for((self.folder / f"dummy-ups-{SUPPLY}").exists)
        self._upsd = self._run("upsd")
        _wait_for(lambda: self.heard() == "OL")

    def stop(self) -> None:
        _end(self._upsd)
        _end(self._driver)

    async def plug(self) -> None:
        self._upsd = self._upsd or self._run("upsd")
        await until(lambda: self.heard() is not None)

    async def unplug(self) -> None:
        upsd, self._upsd = self._upsd, None
        _end(upsd)

    async def as_new(self) -> None:
        """Bring it to where every test begins."""
        self.signal(upsd=signal.SIGCONT, driver=signal.SIGCONT)
        self.say("OL")
        await self.plug()
        await until(lambda: self.heard() == "OL")

    def say(self, status: str) -> None:
        """Write what the supply says; the driver looks at the file's time, in whole seconds."""
        if status == self.said:
            return
        self.said = status
        path, fresh = self.folder / "supply.dev", self.folder / "supply.new"
        fresh.write_text(f"ups.status: {status}\nbattery.charge: 97\nbattery.runtime: 1800\ndevice.model: Box\n")
        self._written += 1
        os.utime(fresh, (1_700_000_000 + self._written,) * 2)
        fresh.replace(path)

    def signal(self, upsd: signal.Signals | None = None, driver: signal.Signals | None = None) -> None:
        for process, sent in ((self._upsd, upsd), (self._driver, driver)):
            if process is not None and sent is not None:
                process.send_signal(sent)

    def heard(self) -> str | None:
        """Return what upsd says of the supply; nothing while it does not hear it."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as link:
            link.settimeout(1)
            link.sendall(f"GET VAR {SUPPLY} ups.status\n".encode())
            answer = link.recv(100).decode()
            return answer.split('"')[1] if '"O' in answer else None
        return None

    def _run(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [PROGRAMS / program, *arguments, "-F", "-u", getpass.getuser()],
            env={**os.environ, **dict.fromkeys(("NUT_CONFPATH", "NUT_STATEPATH", "NUT_ALTPIDPATH"), str(self.folder))},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def _wait_for(happened: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 15
    while not happened():
        assert time.monotonic() < give_up
        time.sleep(0.02)  # another program sets no event


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _end(process: subprocess.Popen[bytes] | None) -> None:
    if process is not None and process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def upsd_of_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealUpsd]:
    """Start it once: it takes seconds until it has heard its supply."""
    upsd = RealUpsd(tmp_path_factory.mktemp("upsd") / "nut")
    try:
        upsd.start()
        yield upsd
    finally:
        upsd.stop()


class RealHands(SimHands):
    """The contract's hands on the real one: a supply that is cut off is a driver that stands still."""

    def __init__(self, upsd: RealUpsd) -> None:
        self.upsd = upsd
        self.unplug, self.plug = upsd.unplug, upsd.plug

    async def mute(self) -> None:
        self.upsd.signal(upsd=signal.SIGSTOP)

    async def unmute(self) -> None:
        self.upsd.signal(upsd=signal.SIGCONT)

    async def supply(self, *, mains: bool, low: bool = False, worn: bool = False, end: bool = False) -> None:
        self.upsd.say(status(mains=mains, low=low, worn=worn, end=end))

    async def forget(self) -> None:
        self.upsd.signal(driver=signal.SIGSTOP)

    async def remember(self) -> None:
        self.upsd.signal(driver=signal.SIGCONT)


@pytest.mark.skipif(not (PROGRAMS / "dummy-ups").exists(), reason="nut-server is not installed: packaging/setup.sh")
class TestNutPowerWithTheRealUpsd(PowerContract):
    """Debian's upsd and dummy-ups."""

    @pytest.fixture
    async def upsd(self, upsd_of_all: RealUpsd) -> RealUpsd:
        await upsd_of_all.as_new()
        return upsd_of_all

    @pytest.fixture
    async def device(self, upsd: RealUpsd, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[NutPower]:
        monkeypatch.setattr(nut_power, "POLL_S", 0.2)
        device = NutPower("power", "127.0.0.1", upsd.port)
        yield device
        await device.close()

    @pytest.fixture
    def hands(self, upsd: RealUpsd) -> RealHands:
        return RealHands(upsd)

    async def test_user_is_let_in_with_the_password_of_its_file(self, upsd: RealUpsd, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_text(PASSWORD + "\n")
        device = NutPower("power", "127.0.0.1", upsd.port, username="tongban", password_file=str(secret))
        async with opened(device):
            assert await device.probe() == READY
        secret.write_text("wrong")
        error = await error_of(device.open)
        assert isinstance(error, DeviceFault)
        assert "ACCESS-DENIED" in error.detail
        assert "wrong" not in str(error)


async def test_state_is_told_with_what_the_supply_knows_of_its_battery(device: NutPower, machine: UpsdMachine) -> None:
    async with opened(device):
        assert await device.state() == PowerState(on_mains=True, battery_percent=97, runtime_s=1800)
        machine.variables[SUPPLY] |= {"battery.charge": "106", "battery.runtime": "nan"}
        assert await device.state() == PowerState(on_mains=True, battery_percent=100)
        machine.variables[SUPPLY] = {"ups.status": "OB"}
        assert await device.state() == PowerState(on_mains=False)
        plate = device.info()
        assert (plate.model, plate.serial, plate.address) == ('Box "600"', "S1", f"{SUPPLY}@127.0.0.1:{machine.port}")


@pytest.mark.parametrize(
    ("words_", "health_", "mains_"),
    [
        ("OL", READY, (True, False)),
        ("OL CHRG", READY, (True, False)),
        ("OL TRIM", READY, (True, False)),
        ("OL BOOST", READY, (True, False)),
        ("OL RB", Health.of(frozenset({Condition.BATTERY_WORN})), (True, False)),
        ("OL LB CHRG", Health.of(frozenset({Condition.BATTERY_LOW})), (True, False)),
        ("OB DISCHRG", Health.of(frozenset({Condition.ON_BATTERY})), (False, False)),
        ("OB LB", Health.of(frozenset({Condition.ON_BATTERY, Condition.BATTERY_LOW})), (False, True)),
        ("FSD OL", Health.of(frozenset({Condition.BATTERY_LOW})), (True, True)),
        ("FSD OB LB", Health.of(frozenset({Condition.ON_BATTERY, Condition.BATTERY_LOW})), (False, True)),
        ("OL BYPASS", Health(HealthState.DEGRADED), (True, False)),
        ("BYPASS", Health(HealthState.DEGRADED), (True, False)),
        ("OL OVER RB", Health(HealthState.DEGRADED, frozenset({Condition.BATTERY_WORN})), (True, False)),
        ("ALARM OL LB", Health.of(frozenset({Condition.BATTERY_LOW})), (True, False)),
        ("OL OB", Health.of(frozenset({Condition.ON_BATTERY})), (False, False)),
        ("CAL OB", Health.of(frozenset({Condition.ON_BATTERY})), (False, False)),
        ("WAIT", UNSAID, None),
        ("OFF", UNSAID, None),
        ("", UNSAID, None),
    ],
)
def test_every_status_has_its_meaning(words_: str, health_: Health, mains_: tuple[bool, bool] | None) -> None:
    flags = frozenset(words_.split())
    assert health(flags) == health_
    if mains_ is None:
        with pytest.raises(DeviceProtocolError):
            mains(flags)
    else:
        assert mains(flags) == mains_


@pytest.mark.parametrize("code", ["DATA-STALE", "DRIVER-NOT-CONNECTED"])
async def test_supply_upsd_does_not_hear_is_unknown_from_the_opening_on(
    device: NutPower, machine: UpsdMachine, code: str
) -> None:
    machine.trouble[SUPPLY] = code
    async with opened(device):
        assert await device.probe() == SILENT
        error = await error_of(device.state)
        assert isinstance(error, DeviceUnavailable)
        assert code in error.detail
        machine.trouble.clear()
        assert (await device.changed()).on_mains, "the first state that is known is news"


async def test_late_answer_is_not_taken_for_the_next_one(device: NutPower, machine: UpsdMachine) -> None:
    async with opened(device):
        machine.delay(0.3)
        async with running(device.probe) as probe:
            asked = len(machine.asked)
            await until(lambda: len(machine.asked) > asked)
            await cancelled_in_time(probe)
        machine.say("OB")
        assert not (await device.state()).on_mains
        assert (await device.probe()).conditions == {Condition.ON_BATTERY}


async def test_upsd_that_falls_silent_is_a_timeout_and_not_a_state(
    device: NutPower, machine: UpsdMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devices.drivers.nut_client.REPLY_S", 0.1)
    async with opened(device):
        machine.mute(True)
        assert isinstance(await error_of(device.probe), DeviceTimeout)
        machine.mute(False)


async def test_supply_has_to_be_named_where_upsd_knows_several(machine: UpsdMachine) -> None:
    machine.variables["spare"] = {"ups.status": "OB"}
    error = await error_of(NutPower("power", machine.host, machine.port).open)
    assert isinstance(error, DeviceFault)
    assert f"{SUPPLY}, spare" in error.detail
    device = NutPower("power", machine.host, machine.port, ups="spare")
    async with opened(device):
        assert not (await device.state()).on_mains
    error = await error_of(NutPower("power", machine.host, machine.port, ups="gone").open)
    assert "'gone'" in error.detail


async def test_hang_up_of_upsd_is_told_at_once_to_who_asked_for_it(device: NutPower, machine: UpsdMachine) -> None:
    heard: list[DeviceError] = []
    device.on_lost(heard.append)
    async with opened(device):
        await machine.unplug()
        await until(lambda: bool(heard))
        assert heard[0].device == "power"
    await machine.plug()
    await device.open()
    await device.close()
    await asyncio.sleep(0)
    assert len(heard) == 1, "a close is no loss"


async def test_far_end_that_is_no_upsd_is_refused() -> None:
    async def chatter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * 10_000)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(chatter, "127.0.0.1", 0)
    device = NutPower("power", "127.0.0.1", server.sockets[0].getsockname()[1])
    assert isinstance(await error_of(device.open), DeviceProtocolError)
    server.close()
    await server.wait_closed()


async def test_password_that_cannot_be_read_says_which_file(machine: UpsdMachine, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    device = NutPower("power", machine.host, machine.port, username="tongban", password_file=str(missing))
    error = await error_of(device.open)
    assert isinstance(error, DeviceFault)
    assert str(missing) in error.detail
    with pytest.raises(ValueError, match="belong together"):
        NutPower("power", username="tongban")


def test_words_are_split_and_quoted_as_upsd_does() -> None:
    assert words(rb'VAR a device.model "Box \"600\" \\"') == ["VAR", "a", "device.model", 'Box "600" \\']
    assert words(b'VAR a b ""') == ["VAR", "a", "b", ""]
    assert words(quoted(PASSWORD).encode()) == [PASSWORD]
    with pytest.raises(ValueError, match="control"):
        quoted("a\nb")

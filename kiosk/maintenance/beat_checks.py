"""What a heartbeat does with each part of the machine: its real work, as far as it needs nobody and leaves no trace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from devices.errors import DeviceCode, DeviceError, DeviceFault, DeviceTimeout
from kiosk.clock import deadline
from kiosk.errors import GatewayRefused, KioskError
from offline_queue.errors import QueueError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from devices.health import Health
    from kiosk.maintenance.dry_run import DryRun
    from kiosk.visit import Tools
    from offline_queue.outbox import Outbox

CHECK_S: Final = 15.0  # a camera that has to warm up, a printer that has to wake
FLAT: Final = 8  # difference of brightness in a picture below which nothing is seen
FRAMES: Final = 2  # the least that tells a frozen picture from a still hall: two of a living sensor differ in noise
JOURNEY: Final = "dry_run"
OTHER_PARTS: Final = ("face", "central", JOURNEY)
PROVABLE: Final = frozenset(
    {
        "id_reader",
        "card_reader",
        "card_slot",
        "camera",
        "document_camera",
        "document_printer",
        "receipt_printer",
        "sensors",
        "power",
        *OTHER_PARTS,
    }
)
"""What can do its work with nobody there. A scanner, a key pad, lights and speech need eyes, ears or a hand."""


@dataclass(frozen=True, slots=True)
class Checked:
    """How one part did. ``cause`` is empty when it did its work, else a closed word for machines.

    ``answers``: it says of itself that it is in order all the same, so that nobody else tells of its trouble.
    """

    part: str
    cause: str = ""
    detail: str = ""
    answers: bool = False


class _NotDone(Exception):
    """It answers, and did not do its work."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class BeatChecks:
    """See the module. A check can be cancelled at any moment; then no sensor is on and nothing is held."""

    def __init__(self, tools: Tools, outbox: Outbox, dry_run: DryRun, link_up: Callable[[], bool]) -> None:
        self._tools = tools
        self._outbox = outbox
        self._dry_run = dry_run
        self._link_up = link_up
        self._undelivered = False  # a dry run's item is on its way: another would say no more
        self._work: Mapping[str, Callable[[Any], Awaitable[None]]] = {
            "card_reader": _look_for_card,
            "card_slot": _position,
            "camera": self._picture,
            "document_camera": _page,
            "document_printer": _supplies,
            "receipt_printer": _supplies,
            "sensors": _states,
            "power": _mains,
        }

    def parts(self) -> tuple[str, ...]:
        """Return what can be proved here, in the order it is gone through: the journey last, over all the others."""
        others = [part for part in OTHER_PARTS if part != "face" or self._tools.face is not None]
        if self._dry_run.service() is None:
            others.remove(JOURNEY)
        return (*(role for role in self._tools.devices.names() if role in PROVABLE), *others)

    async def check(self, part: str) -> Checked:
        """Have ``part`` do its work. Never raises but for a bug."""
        if part == JOURNEY:
            return await self._journey()
        try:
            if part == "central":
                await self._central()
            elif part == "face":
                await self._face()
            else:
                await self._device(part)
        except _NotDone as end:
            return Checked(part, end.cause, answers=part != "central")  # the link's state tells of central
        except DeviceError as error:
            self._tools.devices.report(part, error)
            return Checked(part, error.code.value, error.detail, answers=await self._answers(part))
        return Checked(part)

    async def _answers(self, role: str) -> bool:
        """Have the device looked at now, and return whether it calls itself in order."""
        try:
            async with deadline(self._tools.clock, CHECK_S), self._tools.devices.lease(role):
                return True
        except (DeviceError, TimeoutError):
            return False

    async def _device(self, role: str) -> None:
        """Ask the device how it is (an identity reader: its security module's state), then let it do its work."""
        try:
            async with deadline(self._tools.clock, CHECK_S), self._tools.devices.lease(role) as device:
                _demand(role, await device.probe())
                work = self._work.get(role)
                if work is not None:
                    await work(device)
        except DeviceError:
            raise
        except TimeoutError:
            raise DeviceTimeout(f"no end of a heartbeat within {CHECK_S:g} s", device=role) from None
        except Exception as error:  # noqa: BLE001 - a driver's bug, met every minute, must not end the terminal as often
            raise DeviceFault(f"driver bug: {type(error).__name__}", device=role) from None

    async def _picture(self, camera: Any) -> None:
        await camera.start()
        try:
            frames = [await camera.frame() for _ in range(FRAMES)]
            health = await camera.probe()  # while the sensor is on it knows whether it repeats itself or sees nothing
        finally:
            await camera.stop()
        _demand("camera", health, code=DeviceCode.NO_FRAMES)
        if frames[0].rgb == frames[-1].rgb:
            raise DeviceFault("two pictures are the same", code=DeviceCode.FROZEN, device="camera")
        if max(frames[-1].rgb) - min(frames[-1].rgb) < FLAT:
            raise DeviceFault("the picture is empty: covered, or no light", code=DeviceCode.NO_FRAMES, device="camera")

    async def _central(self) -> None:
        try:
            await self._tools.gateway.catalogue()
        except KioskError as error:
            raise _NotDone("central_refused" if isinstance(error, GatewayRefused) else "central_silent") from None

    async def _face(self) -> None:
        if self._tools.face is None or not await self._tools.face.ready():
            raise _NotDone("health")

    async def _journey(self) -> Checked:
        """Go through a service as a resident would, without paper; only while central can take the item."""
        if not self._link_up():
            return Checked(JOURNEY, "central_silent")
        try:
            if self._undelivered and (await self._outbox.stats()).pending:
                return Checked(JOURNEY, "not_delivered", answers=True)
        except QueueError as error:
            return Checked(JOURNEY, "queue_damaged", error.code.value, answers=True)
        self._undelivered = True  # also when it is cut short: whether the item was put is not known then
        result = await self._dry_run.run(paper=False)
        self._undelivered = not result.delivered
        return Checked(JOURNEY, result.fault.value if result.fault else "", result.detail, answers=True)


def _demand(role: str, health: Health, *, code: DeviceCode | None = None) -> None:
    if not health.usable:
        raise DeviceFault(" ".join([health.state.value, *sorted(health.conditions)]), code=code, device=role)


async def _look_for_card(reader: Any) -> None:
    await reader.card_present()


async def _position(slot: Any) -> None:
    await slot.position()


async def _page(camera: Any) -> None:
    await camera.start()
    try:
        page = await camera.capture()
    finally:
        await camera.stop()
    page.rgb.wipe()


async def _supplies(printer: Any) -> None:
    await printer.supplies()


async def _states(sensors: Any) -> None:
    await sensors.states()


async def _mains(power: Any) -> None:
    await power.state()

"""Self-tests: every part does its real work once, within a deadline, and says how it went in closed words.

What only eyes and ears can judge is asked of the technician; where nobody answers (burn-in) such a test is left out,
never passed. What is read from a test card is wiped at once.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from devices.errors import DeviceCode, DeviceError
from devices.health import HealthState
from devices.lights import LightState
from devices.speech import Saying, SpeechLanguage
from devices.values import PdfDocument, Pii, PrintJob, Slip, SlipCode, SlipText
from kiosk.clock import deadline
from kiosk.events import DeviceProved, Printed
from kiosk.maintenance.other_tests import Ended, OtherTests
from kiosk.maintenance.results import CheckOutcome, CheckResult
from kiosk.texts import resolve
from kiosk.views import Language, text
from typefaces import FontMissing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from devices.camera import Camera
    from devices.card_reader import CardReader
    from devices.device import Device
    from devices.document_camera import DocumentCamera
    from devices.id_reader import IdReader
    from devices.lights import Lights
    from devices.pin_pad import PinPad
    from devices.power import Power
    from devices.printer import Printer
    from devices.scanner import Scanner
    from devices.sensors import Sensors
    from devices.speech import Speech
    from kiosk.maintenance.hands import Hands
    from kiosk.views import Text
    from kiosk.visit import Tools
    from offline_queue.outbox import Outbox


DEADLINE_S: Final = 60.0  # a slow printer's first page from sleep
HANDS_S: Final = 180.0  # where the technician has to walk round the machine
FRAMES: Final = 4
FLAT: Final = 8  # difference of brightness in a picture below which nothing is seen
OWNER: Final = "self-test"
VISIT: Final = "self-test"  # stands in events where a visit's id stands
OTHER_PARTS: Final = ("face", "central", "queue", "disk")


class SelfTests:
    """One test a part. ``draw_page`` makes the printer's test page (PDF, one sheet)."""

    def __init__(self, tools: Tools, outbox: Outbox, folder: Path, draw_page: Callable[[], bytes]) -> None:
        self._tools = tools
        self._draw_page = draw_page
        others = {name: _without_hands(test) for name, test in OtherTests(tools, outbox, folder).tests().items()}
        self._tests: dict[str, Callable[[Hands], Awaitable[str]]] = {
            "document_printer": self._document_printer,
            "receipt_printer": self._receipt_printer,
            "id_reader": self._id_reader,
            "card_reader": self._card_reader,
            "camera": self._camera,
            "document_camera": self._document_camera,
            "scanner": self._scanner,
            "pin_pad": self._pin_pad,
            "lights": self._lights,
            "speech": self._speech,
            "sensors": self._sensors,
            "power": self._power,
            **others,
        }

    def parts(self) -> tuple[str, ...]:
        """Return what this machine has to be tested, devices first."""
        others = [part for part in OTHER_PARTS if part != "face" or self._tools.face is not None]
        return (*self._tools.devices.names(), *others)

    async def run(self, part: str, hands: Hands) -> CheckResult:
        """Test one part. Never raises but for a bug."""
        clock = self._tools.clock
        begun = clock.monotonic()
        outcome, code, detail = CheckOutcome.PASSED, "", ""
        by_hand = part in {"lights", "sensors", "scanner", "id_reader", "card_reader", "pin_pad"}
        try:
            test = self._tests.get(part, self._health_only(part))
            async with deadline(clock, HANDS_S if by_hand else DEADLINE_S):
                code = await test(hands)
        except Ended as end:
            outcome, code = end.outcome, end.code
        except DeviceError as error:
            outcome, code, detail = CheckOutcome.FAILED, error.code.value, error.detail
            self._tools.devices.report(part, error)
        except TimeoutError:
            outcome, code = CheckOutcome.FAILED, "deadline"
        if outcome is CheckOutcome.PASSED:
            self._tools.log.emit(DeviceProved(device=part, how="self_test"))
        return CheckResult(
            role=part,
            outcome=outcome,
            at=clock.now().isoformat(timespec="seconds"),
            seconds=round(clock.monotonic() - begun, 2),
            code=code,
            detail=detail,
        )

    # -- one test a part; each returns "" or a code that says what was not part of it

    async def _document_printer(self, hands: Hands) -> str:
        try:
            page = PdfDocument(await asyncio.to_thread(self._draw_page), 1)
        except FontMissing:
            raise Ended(CheckOutcome.FAILED, "font_missing") from None
        await self._print("document_printer", page)
        return await self._judged(hands, text("maintenance.ask.page_readable"))

    async def _receipt_printer(self, hands: Hands) -> str:
        await self._print("receipt_printer", self._slip(""))
        return await self._judged(hands, text("maintenance.ask.slip_readable"))

    async def _print(self, role: str, body: PdfDocument | Slip) -> None:
        async with self._lent(role) as device:
            printer: Printer = device
            receipt = await printer.print(PrintJob(title=f"{VISIT}-{secrets.token_hex(4)}", body=body))
        if receipt.sheets < 1:
            raise Ended(CheckOutcome.FAILED, "no_paper_counted")
        self._tools.log.emit(Printed(visit=VISIT, device=role, sheets=receipt.sheets))

    async def _id_reader(self, hands: Hands) -> str:
        async with self._lent("id_reader") as device:
            reader: IdReader = device
            await self._demand_health(reader)  # asks the security module for its state and number
            laid = await hands.bid(text("maintenance.ask.card_on_reader"), self._read_card(reader))
        return "" if laid else "no_test_card"

    async def _read_card(self, reader: IdReader) -> bool:
        await reader.wait_card()
        card = await reader.read()
        card.wipe()
        return True

    async def _card_reader(self, hands: Hands) -> str:
        async with self._lent("card_reader") as device:
            reader: CardReader = device
            await self._demand_health(reader)
            if await reader.card_present():
                return ""  # the technician's own
            laid = await hands.bid(text("maintenance.ask.card_in_reader"), reader.wait_card())
        return "" if laid else "no_test_card"

    async def _camera(self, hands: Hands) -> str:  # noqa: ARG002 - one shape for all tests
        async with self._lent("camera") as device:
            camera: Camera = device
            await camera.start()
            try:
                frames = [await camera.frame() for _ in range(FRAMES)]
            finally:
                await camera.stop()
        if len({frame.rgb for frame in frames}) == 1:
            raise Ended(CheckOutcome.FAILED, DeviceCode.FROZEN.value)
        if max(frames[-1].rgb) - min(frames[-1].rgb) < FLAT:
            raise Ended(CheckOutcome.FAILED, "picture_empty")
        return ""

    async def _document_camera(self, hands: Hands) -> str:  # noqa: ARG002 - one shape for all tests
        async with self._lent("document_camera") as device:
            camera: DocumentCamera = device
            await camera.start()
            try:
                page = await camera.capture()
            finally:
                await camera.stop()
        page.rgb.wipe()
        return ""  # an empty glass is in order: what is on it is the resident's

    async def _scanner(self, hands: Hands) -> str:
        token = f"TONGBAN-TEST-{secrets.token_hex(8).upper()}"
        if "receipt_printer" not in self._tools.devices.names():
            raise Ended(CheckOutcome.SKIPPED, "not_fitted")  # nothing to show it
        await self._print("receipt_printer", self._slip(token))
        async with self._lent("scanner") as device:
            scanner: Scanner = device
            read = await hands.bid(text("maintenance.ask.show_code"), scanner.scan())
        if read is None:
            raise Ended(CheckOutcome.SKIPPED, "left_out")
        if read.text != Pii(token):
            raise Ended(CheckOutcome.FAILED, "not_that_code")
        return ""

    async def _pin_pad(self, hands: Hands) -> str:
        async with self._lent("pin_pad") as device:
            pad: PinPad = device
            await pad.start()
            try:
                key = await hands.bid(text("maintenance.ask.press_key"), pad.key())
            finally:
                await pad.stop()
        if key is None:
            raise Ended(CheckOutcome.SKIPPED, "left_out")
        return ""

    async def _lights(self, hands: Hands) -> str:
        async with self._lent("lights") as device:
            lights: Lights = device
            try:
                for light in sorted(lights.fitted()):
                    await lights.show({light: LightState.ON})
                    name = text(f"maintenance.light.{light}")
                    await self._judged(hands, text("maintenance.ask.light", light=name), needed=True)
            finally:
                await lights.show({})
        return ""

    async def _speech(self, hands: Hands) -> str:
        sentence = resolve(text("maintenance.speech.sentence"), Language.ZH_CN)
        async with self._lent("speech") as device:
            speech: Speech = device
            spoken = await speech.say(Saying(sentence, SpeechLanguage.MANDARIN, OWNER))
        if not spoken:
            raise Ended(CheckOutcome.FAILED, "stopped")
        return await self._judged(hands, text("maintenance.ask.heard"), needed=True)

    async def _sensors(self, hands: Hands) -> str:
        cabinet = self._tools.cabinet
        if cabinet is None:
            raise Ended(CheckOutcome.SKIPPED, "not_fitted")
        async with self._lent("sensors") as device:
            sensors: Sensors = device
            await sensors.states()
        for sensor in sorted(sensors.fitted()):
            request = text("maintenance.ask.toggle", sensor=text(f"maintenance.sensor.{sensor}"))
            if await hands.bid(request, cabinet.turned(sensor)) is None:
                raise Ended(CheckOutcome.SKIPPED, "left_out")
        return ""

    async def _power(self, hands: Hands) -> str:  # noqa: ARG002 - one shape for all tests
        async with self._lent("power") as device:
            power: Power = device
            state = await power.state()
        if not state.on_mains:
            raise Ended(CheckOutcome.FAILED, "on_battery")
        return ""

    # -- shared

    @asynccontextmanager
    async def _lent(self, role: str) -> AsyncIterator[Any]:
        """Lend a device; the registry has seen to it that it is of its role's port."""
        async with self._tools.devices.lease(role) as device:
            yield device

    def _health_only(self, part: str) -> Callable[[Hands], Awaitable[str]]:
        """Test a device nobody wrote a test for (a third party's): it has to say that it is in order."""

        async def test(hands: Hands) -> str:  # noqa: ARG001 - one shape for all tests
            async with self._lent(part) as device:
                await self._demand_health(device)
            return ""

        return test

    async def _demand_health(self, device: Device) -> None:
        health = await device.probe()
        if health.state not in {HealthState.READY, HealthState.DEGRADED}:
            raise Ended(CheckOutcome.FAILED, "health")

    async def _judged(self, hands: Hands, question: Text, *, needed: bool = False) -> str:
        """Return ``""`` when the technician says yes; ``needed``: without an answer nothing was tested."""
        answer = await hands.ask(question)
        if answer is False:
            raise Ended(CheckOutcome.FAILED, "said_no")
        if answer is None and needed:
            raise Ended(CheckOutcome.SKIPPED, "left_out")
        return "" if answer else "not_looked_at"

    def _slip(self, token: str) -> Slip:
        terminal = self._tools.settings.terminal
        lines: list[Any] = [
            SlipText(resolve(text("maintenance.document.test_slip"), language), 2, bold=True) for language in Language
        ]
        lines += [SlipText(terminal.kiosk), SlipText(f"{self._tools.clock.now():%Y-%m-%d %H:%M} UTC")]
        return Slip((*lines, SlipCode(token)) if token else tuple(lines))


def _without_hands(test: Callable[[], Awaitable[None]]) -> Callable[[Hands], Awaitable[str]]:
    async def tested(hands: Hands) -> str:  # noqa: ARG001 - one shape for all tests
        await test()
        return ""

    return tested

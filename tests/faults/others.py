"""Central, the face engine, the outbox and the slip's key, each with its faults planted."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from devices.values import Pii
from kiosk.errors import (
    DocumentRefused,
    GatewayRefused,
    GatewayRejected,
    GatewayUnreachable,
    GatewayUntrusted,
    KioskCode,
)
from kiosk.gateway import Decision, DecisionState, DocumentRef
from kiosk.identity.face import FaceAnswer, FaceCode, FaceEngineError, Look, Verdict
from kiosk.keys import KeyCode, KeyStoreError
from offline_queue.errors import QueueCode, QueueCorrupt, QueueError, QueueFull
from offline_queue.wire import Verdict as Receipt
from tests.faults.matrix import BEFORE, GOODBYE
from tests.journeys.conftest import NUMBER_GIVEN, FakeCheck, FakeDesk, FakeFace, FakeGateway, FakeVerifier

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from devices.values import Frame
    from kiosk.case_desk import CaseTicket
    from kiosk.clock import ManualClock
    from kiosk.identity.face import FaceCheck
    from tests.faults.machines import Cam
    from tests.faults.plant import Plant

SLOW_S = 30.0  # the wire's own deadline: the port promises that every method has one
DECIDING_S = 1.5
PAGES = 3
FORGED = frozenset({"seal_broken", "wrong_person"})  # found out by the terminal, not said by central


@dataclass
class Planted:
    """What carries the plants of one pseudo-device."""

    plants: list[Plant] = field(default_factory=list)

    def struck(self, name: str) -> str:
        """Return the fault that strikes at the call ``name``, or nothing."""
        for plant in self.plants:
            if plant.cell.moment not in {BEFORE, GOODBYE, name}:
                continue
            plant.reach(name)
            if plant.strikes():
                plant._note(f"{plant.cell.role}.{name}: {plant.cell.fault}")
                return plant.cell.fault
        return ""


class Central(FakeGateway):
    """Answers as central does, or as its faults say."""

    def __init__(self, clock: ManualClock, planted: Planted) -> None:
        super().__init__()
        self._clock, self._planted = clock, planted
        self.submitting = lambda: False

    async def _call(self, name: str) -> None:
        fault = self._planted.struck(name)
        if fault == "slow":
            await self._clock.sleep(SLOW_S)
        errors: dict[str, Exception] = {
            "unreachable": GatewayUnreachable("planted"),
            "sick": GatewayUnreachable("HTTP 503"),
            "slow": GatewayUnreachable("no answer in time"),
            "refused": GatewayRefused("token expired"),
            "rejected": GatewayRejected("no", reason="version"),
            "rejected_unknown": GatewayRejected("no", reason="E4711"),
            "untrusted": GatewayUntrusted("another certificate"),
        }
        if fault in errors:
            raise errors[fault]

    async def catalogue(self) -> Any:
        await self._call("submit" if self.submitting() else "catalogue")
        return self.services

    async def look_up(self, *given: object) -> Any:
        await self._call("look_up")
        return await super().look_up(*given)

    async def send_code(self, *given: object) -> Any:
        await self._call("send_code")
        return await super().send_code(*given)

    async def check_code(self, challenge: str, visit: str, code: str) -> Any:
        await self._call("check_code")
        return await super().check_code(challenge, visit, code)

    async def decision(self, epoch: str, seq: int, wait_s: float) -> Decision:
        for plant in self._planted.plants:
            if plant.cell.fault in {"refuses", "undecided"} and self._planted.struck("decision"):
                if plant.cell.fault == "refuses":
                    return Decision(DecisionState.REFUSED)
                await self._clock.sleep(wait_s)
                return Decision(DecisionState.PENDING)
        await self._call("decision")
        await self._clock.sleep(min(DECIDING_S, wait_s))
        if self.paper:
            return Decision(DecisionState.APPROVED, document=DocumentRef("doc-1", "00" * 32, PAGES))
        return Decision(DecisionState.FILED, case_number="TICKET-1")

    paper = True

    async def document(self, document: str) -> bytes:
        if not any(plant.cell.fault in FORGED for plant in self._planted.plants):
            await self._call("document")
        return await super().document(document)


class Proof(FakeVerifier):
    """Refuses what its faults say; else the document is of the person and of three pages."""

    def __init__(self, planted: Planted) -> None:
        super().__init__()
        self._planted = planted

    def verify(self, pdf: bytes, sha256: str, at: object) -> Any:
        forged = any(plant.cell.fault in FORGED for plant in self._planted.plants)
        fault = self._planted.struck("document") if forged else ""
        if fault == "seal_broken":
            raise DocumentRefused("planted", code=KioskCode.SEAL_BROKEN)
        sealed = super().verify(pdf, sha256, at)
        subject = replace(sealed.subject, name=Pii("测试·别人")) if fault else sealed.subject
        return replace(sealed, subject=subject, pages=PAGES)


class Engine(FakeFace):
    """A face engine that looks at what the camera truly shows."""

    def __init__(self, planted: Planted, camera: Cam) -> None:
        super().__init__()
        self.planted, self.camera = planted, camera

    @asynccontextmanager
    async def check(self) -> AsyncIterator[FaceCheck]:
        self.open_checks += 1
        try:
            yield Check(self)
        finally:
            self.open_checks -= 1


class Check(FakeCheck):
    def _call(self, name: str) -> str:
        fault = self._engine.planted.struck(name)
        if fault in {"crashed", "deadline", "unavailable"}:
            raise FaceEngineError(FaceCode(f"face.{fault}"))
        return fault

    async def use_card_photo(self, picture: bytes) -> bool:
        return self._call("photo") != "photo_refused"

    async def look(self, frame: Frame) -> Look:
        fault = self._call("look")
        if self._engine.camera.dark:
            return Look.TOO_DARK
        return Look.NO_FACE if fault == "no_face" else Look.OK

    async def compare(self, frames: Sequence[Frame]) -> FaceAnswer:
        fault = self._call("compare")
        verdict = {"unsure": Verdict.UNSURE, "no_match": Verdict.NO_MATCH}.get(fault, Verdict.MATCH)
        return FaceAnswer(verdict, 0.3, self._engine.info())


class Outbox(FakeDesk):
    """Keeps what is durable, with the moment it became so; refuses as its faults say."""

    def __init__(self, clock: ManualClock, queue: Planted, key: Planted, central: Planted) -> None:
        super().__init__()
        self._clock, self._queue, self._key, self._central = clock, queue, key, central
        self.case_at: float | None = None

    def _put(self, kind: str) -> None:
        fault = self._queue.struck(kind)
        if fault:
            code = QueueCode(fault)
            kinds: dict[QueueCode, type[QueueError]] = {QueueCode.FULL: QueueFull, QueueCode.CORRUPT: QueueCorrupt}
            raise kinds.get(code, QueueError)("planted", code=code)

    async def put_case(self, visit: Any, link: str) -> CaseTicket:
        await self._clock.sleep(0.1)  # the disk
        self._put("case")
        ticket = await super().put_case(visit, link)
        self.case_at = self._clock.monotonic()
        return ticket

    async def put_print(self, ticket: object, document: str, sheets: int, outcome: str, job: str) -> None:
        self._put("print")
        self.handed_in.append(("print", {"document": document, "sheets": sheets, "outcome": outcome, "job": job}))

    async def put_rating(self, *given: Any) -> None:
        self._put("rating")
        await super().put_rating(*given)

    async def put_alarm(self, code: str, subject: str) -> None:
        self._put("alarm")
        self.handed_in.append(("alarm", {"code": code, "subject": subject}))

    async def slip_code(self, ticket: CaseTicket) -> str:
        fault = self._key.struck("slip")
        if fault == "silent":
            await asyncio.Event().wait()
        if fault == "missing":
            raise KeyStoreError(KeyCode.MISSING, "planted", "planted")
        if fault == "name_too_long":
            raise ValueError("planted")
        return "TB1:SIGNED"

    async def settled(self, ticket: object) -> Receipt:
        fault = self._central.struck("settled")
        if fault == "case_refused":
            return Receipt.REJECTED
        if fault:  # the answer was lost after the commit, or nobody can be reached
            await asyncio.Event().wait()
        await self._clock.sleep(0.2)
        return Receipt.ACCEPTED


__all__ = ["NUMBER_GIVEN", "PAGES", "Central", "Engine", "Outbox", "Planted", "Proof"]

"""One visit: what a step may use, and what it leaves for the steps after it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kiosk.phrases import local
from kiosk.views import NOTHING, Slot, Text

if TYPE_CHECKING:
    from datetime import date

    from devices.manager import DeviceManager
    from devices.photo_decoder import PhotoDecoder
    from devices.values import Clock
    from kiosk.cabinet import Cabinet
    from kiosk.case_desk import CaseTicket, VisitDesk
    from kiosk.catalogue.model import Catalogue, Package
    from kiosk.documents.seal import Verifier
    from kiosk.event_log import EventLog
    from kiosk.gateway import Decision, Gateway
    from kiosk.identity.face import FaceCheck, FaceEngine
    from kiosk.session import Session
    from kiosk.settings import Settings
    from kiosk.staff import StaffNotices
    from kiosk.stage import Stage

QUOTED = 8  # characters of the visit id a resident may quote to a clerk


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a step is asked again: the error's code and how many times it was asked."""

    code: str
    attempt: int


@dataclass(slots=True)
class PaperTrail:
    """What is known of printing the visit's document, over every attempt. Nothing in it names a person."""

    document: str
    pages: int
    attempts: int = 0
    sheets_out: int = 0  # of the present attempt
    job: str = ""  # the printer's reference of the present attempt
    printed: bool = False
    accounted: bool = False


@dataclass(slots=True, kw_only=True)
class Tools:
    """What every visit of a terminal uses; made once by the bootstrap."""

    settings: Settings
    clock: Clock
    log: EventLog
    devices: DeviceManager
    gateway: Gateway
    catalogue: Catalogue
    face: FaceEngine | None
    photo_decoder: PhotoDecoder
    verifier: Verifier | None
    staff: StaffNotices
    cabinet: Cabinet | None = None  # of a machine with sensors


@dataclass(slots=True, kw_only=True)
class Visit:
    """See the module. ``session`` holds what is personal, everything else here is not."""

    tools: Tools
    stage: Stage
    session: Session
    desk: VisitDesk
    package: Package | None = None
    online: bool = True  # the link's state when the service was begun
    face_check: FaceCheck | None = None
    trouble: Trouble | None = None
    reason: Text = NOTHING  # why the office or a check said no
    case: CaseTicket | None = None
    decision: Decision | None = None
    trail: PaperTrail | None = None
    codes_sent: int = 0  # text messages of this visit
    number_given: bool = False  # the resident has seen the case's number
    edit: str = ""  # the field the resident wants to change
    papers: dict[Slot, bool] = field(default_factory=dict)  # where paper came out, and whether the resident took it
    card_asked: bool = False  # so one may lie there that a broken reader never told of
    card_laid: bool = False
    closing: AsyncExitStack = field(default_factory=AsyncExitStack)  # what must end with the visit

    @property
    def service(self) -> Package:
        """Return the service chosen; asking before is a bug."""
        if self.package is None:
            raise RuntimeError("no service was chosen yet")
        return self.package

    @property
    def number(self) -> str:
        """Return the number a resident can quote."""
        if self.case is not None:
            return self.case.local_number
        shown = self.session.visit[:QUOTED].upper()
        return f"{shown[:4]}-{shown[4:]}"

    def today(self) -> date:
        """Return the local date."""
        return local(self.tools.settings.terminal, self.tools.clock.now()).date()

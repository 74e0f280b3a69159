"""Puts the service mode together: what listens from the beginning, and what is made once the queue is open."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kiosk.errors import SettingsError
from kiosk.maintenance import repairs
from kiosk.maintenance.access import Access, Authority
from kiosk.maintenance.beat_checks import BeatChecks
from kiosk.maintenance.book import Book
from kiosk.maintenance.dry_run import DryRun
from kiosk.maintenance.entrance import Entrance
from kiosk.maintenance.export import LogKeeper
from kiosk.maintenance.found_items import FoundItems
from kiosk.maintenance.heartbeat import Heartbeat
from kiosk.maintenance.keeping import FOLDER, FOLDER_MODE
from kiosk.maintenance.lockout import Lockout
from kiosk.maintenance.mode import ServiceMode
from kiosk.maintenance.orders import Orders
from kiosk.maintenance.proof import Proofs
from kiosk.maintenance.repairs import Bench
from kiosk.maintenance.report import draw_test_page
from kiosk.maintenance.self_tests import SelfTests
from kiosk.maintenance.shift import Workshop
from kiosk.maintenance.supplies import Supplies
from kiosk.maintenance.survey import Survey
from kiosk.maintenance.watch import Errands, Watch
from typefaces import SANS, Typefaces

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence

    from devices.values import Clock
    from kiosk.cabinet import Cabinet
    from kiosk.case_desk import VisitDesk
    from kiosk.event_log import EventLog
    from kiosk.guide_lights import GuideLights
    from kiosk.maintenance.access import PivDialogues
    from kiosk.maintenance.dry_run import DryDesk
    from kiosk.quiet import Quiet
    from kiosk.settings import Settings
    from kiosk.stage import Stage
    from kiosk.visit import Tools
    from offline_queue.outbox import Outbox
    from offline_queue.wire import PublicKey

REPAIRS = Path(__file__).parents[2] / "config" / "repairs"
LANE = "maintenance"


class Listeners:
    """What hears every event from the start of the terminal: proofs, counts, the kept log."""

    def __init__(self, state: Path, settings: Settings, clock: Clock, log: EventLog) -> None:
        """Open the folder and read what settings name. Raises ``SettingsError`` with every problem."""
        problems: list[str] = []
        self.folder = state / FOLDER
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
            self.proofs = Proofs(self.folder, clock)
            self.supplies = Supplies(self.folder, clock, settings.terminal)
            self.keeper = LogKeeper(self.folder, clock, settings.maintenance.export_days)
        except OSError as error:
            raise SettingsError([f"terminal.state_dir: {self.folder}: {error.strerror}"]) from None
        self.repairs = _repairs(problems)
        self.authority = _authority(settings, self.folder, problems)
        if problems:
            raise SettingsError(problems)
        for listener in (self.proofs.hear, self.supplies.hear, self.keeper.hear):
            log.listen(listener)


class Service:
    """The service mode and the heartbeat of one terminal. ``tasks`` run beside it for as long as it lives."""

    def __init__(
        self, mode: ServiceMode, heartbeat: Heartbeat, tasks: list[Callable[[], Coroutine[Any, Any, None]]]
    ) -> None:
        self.mode = mode
        self.heartbeat = heartbeat
        self.tasks = tasks


def assemble(
    heard: Listeners,
    tools: Tools,
    stage: Stage,
    outbox: Outbox,
    *,
    version: str,
    open_desk: Callable[[str], VisitDesk],
    open_dry_desk: Callable[[str], DryDesk],
    link_up: Callable[[], bool],
    order_keys: Mapping[str, PublicKey],
    piv: Callable[[], PivDialogues],
    fetch_orders: Callable[[], Awaitable[Sequence[object]]],
    fetch_list: Callable[[], Awaitable[bytes]],
    cabinet: Cabinet,
    quiet: Quiet,
    lights: GuideLights,
) -> Service:
    """Build it. Raises ``OSError`` when the service book cannot be read."""
    authority, clock, settings = heard.authority, tools.clock, tools.settings

    async def send(message: Mapping[str, object]) -> None:
        desk = open_desk(LANE)
        try:
            await desk.put_maintenance(message)
        finally:
            desk.close()

    async def send_entry(entry: Mapping[str, object]) -> None:
        await send({"entry": entry})

    typefaces = Typefaces(heard.folder / "typefaces", SANS)
    book = Book(heard.folder, clock, tools.log, send_entry)
    found = FoundItems(heard.folder)
    orders = Orders(heard.folder, settings.terminal.kiosk, order_keys)
    survey = Survey(
        tools,
        outbox,
        heard.folder,
        proofs=heard.proofs,
        supplies=heard.supplies,
        found=found,
        version=version,
        mode=lambda: heard.proofs.record.mode,
        link_up=link_up,
    )
    dry_run = DryRun(tools, open_dry_desk, link_up)
    workshop = Workshop(
        tools=tools,
        folder=heard.folder,
        book=book,
        survey=survey,
        tests=SelfTests(tools, outbox, heard.folder, lambda: draw_test_page(settings.terminal, clock.now(), typefaces)),
        dry_run=dry_run,
        supplies=heard.supplies,
        found=found,
        bench=Bench(tools, lights),
        repairs=heard.repairs,
        typefaces=typefaces,
        send=send,
    )
    heartbeat = Heartbeat(tools, BeatChecks(tools, outbox, dry_run, link_up), survey, quiet, send=send)
    tasks: list[Callable[[], Coroutine[Any, Any, None]]] = [
        book.run,
        heard.proofs.run,
        heard.supplies.run,
        heartbeat.run,
    ]
    entrance = None
    access = None
    if authority is not None:
        access = Access(authority, Lockout(heard.folder, clock), piv(), heard.proofs.now)
        entrance = Entrance(tools, access, orders, book, heard.proofs)
    mode = ServiceMode(stage, workshop, heard.proofs, entrance, orders)
    watch = Watch(tools, mode, cabinet)
    if "sensors" in tools.devices.names():
        tasks.append(watch.door)
    if authority is not None and access is not None:
        tasks.append(
            Errands(tools, heard.folder, orders, authority, fetch_orders=fetch_orders, fetch_list=fetch_list).run
        )
        if "card_reader" in tools.devices.names():
            tasks.append(partial(watch.cards, access))
    return Service(mode, heartbeat, tasks)


def _repairs(problems: list[str]) -> tuple[repairs.Repair, ...]:
    try:
        return repairs.load(REPAIRS)
    except repairs.RepairsError as error:
        problems.extend(error.problems)
    except OSError as error:
        problems.append(f"{REPAIRS}: {error.strerror}")
    return ()


def _authority(settings: Settings, folder: Path, problems: list[str]) -> Authority | None:
    at = settings.maintenance.technician_ca
    if not at:
        return None
    try:
        return Authority(Path(at), folder)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no certificate can be read"
        problems.append(f"maintenance.technician_ca: {at}: {reason}")
        return None

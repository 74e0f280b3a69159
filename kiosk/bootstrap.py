"""The one place that constructs. Everything else receives what it needs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devices import registry
from devices.hotplug import PlugWatch
from devices.manager import DeviceManager
from kiosk.anchors import check_connection, read_anchors, read_token, read_verifier, said
from kiosk.audit import AuditTrail
from kiosk.availability import prints_documents
from kiosk.cabinet import Cabinet
from kiosk.case_desk import VisitDesk, tell_deliveries
from kiosk.catalogue import model
from kiosk.catalogue.freshness import Freshness
from kiosk.clock import SystemClock
from kiosk.credentials import Credentials
from kiosk.device_maker import make_device
from kiosk.errors import PackageError, SettingsError
from kiosk.event_log import EventLog
from kiosk.events import AlarmRaised, CatalogueRefused
from kiosk.gateway_http import HttpGateway
from kiosk.guide_lights import GuideLights
from kiosk.identity.face_local import LocalFaceEngine
from kiosk.keys import open_key
from kiosk.maintenance.assembly import Listeners, assemble
from kiosk.maintenance.card import piv_dialogues
from kiosk.maintenance.dry_run import DryDesk
from kiosk.maintenance.proof import CENTRAL
from kiosk.network_watch import NetworkWatch
from kiosk.phrases import said as said_in
from kiosk.power_watch import PowerWatch
from kiosk.quiet import Quiet
from kiosk.staff import StaffNotices
from kiosk.stage import Stage
from kiosk.telling import Telling
from kiosk.terminal import VERSION, Terminal
from kiosk.views import text
from kiosk.visit import Tools
from offline_queue.courier import Courier
from offline_queue.errors import QueueCode, QueueCorrupt, QueueError
from offline_queue.http import HttpSender
from offline_queue.link import LinkDown
from offline_queue.outbox import Outbox
from offline_queue.values import AdmissionLimits

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from devices.device import Device
    from devices.values import Clock
    from kiosk.anchors import Anchors
    from kiosk.documents.seal import Verifier
    from kiosk.settings import Settings
    from kiosk.stage import Screen
    from offline_queue.values import Alarm

QUEUE_FILE = "queue.db"
FRESHNESS_FILE = "catalogue.heard"
STATE_MODE = 0o700
REFUSED_QUEUES = {
    QueueCode.LOCKED: "stop the other terminal or give this one a folder of its own",
    QueueCode.WRONG_KIOSK: "name the terminal as it was, or give this one an empty folder",
}
"""What only somebody who looks after the settings can put right: trying again by itself would change nothing."""
HOURS, DAYS = 3600.0, 86400.0
MEGABYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Parts:
    """What only settings decide."""

    devices: dict[str, Device]
    decoder: Any
    anchors: Anchors
    verifier: Verifier | None
    token: str
    state: Path


async def build(settings: Settings, screen: Screen, *, clock: Clock | None = None) -> Terminal:
    """Build a terminal on the running loop. Raises ``SettingsError`` with every problem, ``QueueError``."""
    clock = clock or SystemClock()
    log = EventLog(clock, sys.stdout)
    trail = AuditTrail(clock, log)
    parts = _parts(settings)
    listeners = Listeners(parts.state, settings, clock, log)
    central, kiosk = settings.central, settings.terminal.kiosk
    credentials = Credentials(parts.token, Path(central.token_file), lambda: open_key(settings, create=True), clock)
    gateway = HttpGateway(
        central.url, kiosk=kiosk, token=credentials.token, tls_ca=central.tls_ca, tls_client=central.tls_client
    )
    freshness = Freshness(parts.state / FRESHNESS_FILE, clock)
    catalogue, refused = model.load(Path(settings.catalogue))
    for error in refused:
        log.emit(CatalogueRefused(package=error.problems[0].partition(":")[0], problems=error.problems))
    telling = Telling(log)
    outbox = await _outbox(parts.state / QUEUE_FILE, settings, parts.anchors, clock, telling.alarmed)
    trail.begin(outbox)
    client = (Path(central.tls_client), Path(central.tls_client)) if central.tls_client else None
    sender = HttpSender(central.url, kiosk=kiosk, ca_file=Path(central.tls_ca), token=credentials.token, cert=client)
    courier = Courier(
        outbox,
        sender,
        monotonic=clock.monotonic,
        sleep=clock.sleep,
        signer=credentials.sign,
        refresh=lambda: credentials.refresh(gateway),
        on_link=telling.link_changed,
        on_settled=partial(tell_deliveries, log),
    )
    face = settings.face

    def open_desk(visit: str) -> VisitDesk:
        return VisitDesk(outbox, clock, log, kiosk, visit, trail=trail, key=lambda: credentials.key)

    tools = Tools(
        settings=settings,
        clock=clock,
        log=log,
        devices=DeviceManager(
            parts.devices, clock=clock, on_change=telling.device_changed, plugs=PlugWatch(clock=clock)
        ),
        gateway=gateway,
        catalogue=catalogue,
        face=LocalFaceEngine(face.match_at, face.no_match_at) if face.engine == "local" else None,
        photo_decoder=parts.decoder,
        verifier=parts.verifier,
        staff=StaffNotices(log, clock, open_desk),
    )
    limits = AdmissionLimits(
        max_age_s=settings.limits.unsent_age_h * HOURS,
        max_pending=settings.limits.unsent_items,
        min_disk_bytes=settings.limits.disk_free_mb * MEGABYTES,
        max_catalogue_age_s=settings.limits.catalogue_age_d * DAYS,
    )

    async def limits_reached() -> tuple[str, ...]:
        reasons = await outbox.admission(limits, catalogue_age_s=freshness.age_s())
        return tuple(reason.value for reason in reasons)

    async def heard() -> None:
        listeners.proofs.proved(CENTRAL)
        with contextlib.suppress(LinkDown):  # the courier will be refused, try again, and tell why
            await credentials.introduce(gateway)
        try:
            await asyncio.to_thread(freshness.confirm)
        except OSError as error:
            log.emit(AlarmRaised(code="alarm.state_unwritable", subject=type(error).__name__))

    async def stop_queue() -> None:
        await sender.close()
        await trail.write()
        await outbox.close()
        credentials.close()

    lights = GuideLights(screen)
    log.listen(lights.hear)
    stage = _stage(settings, lights, clock)
    quiet, cabinet = Quiet(clock), Cabinet(tools.devices, clock, tools.staff)
    if "sensors" in parts.devices:
        tools.cabinet = cabinet
    cabinet.listen(quiet.sensed)
    service = assemble(
        listeners,
        tools,
        stage,
        outbox,
        version=VERSION,
        open_desk=open_desk,
        open_dry_desk=lambda visit: DryDesk(outbox, clock, log, kiosk, visit, trail=trail, key=lambda: credentials.key),
        link_up=telling.link_up,
        order_keys=parts.anchors.receipt_keys,
        piv=piv_dialogues,
        fetch_orders=gateway.work_orders,
        fetch_list=gateway.revoked_technicians,
        cabinet=cabinet,
        quiet=quiet,
        lights=lights,
    )
    of_devices: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
        "sensors": cabinet.run,
        "lights": partial(lights.run, tools),
        "power": PowerWatch(tools, outbox, quiet, telling.power_changed).run,
    }
    terminal = Terminal(
        tools,
        stage,
        outbox,
        courier,
        open_desk=open_desk,
        limits_reached=limits_reached,
        stop_queue=stop_queue,
        heard=heard,
        refused=lambda: credentials.turned_away(gateway),
        beside=[
            lambda: credentials.find_key(log, courier.nudge),
            trail.run,
            lambda: _watch_network(courier, clock, log),
            *service.tasks,
            *(run for role, run in of_devices.items() if role in parts.devices),
        ],
        service_mode=service.mode,
        quiet=quiet,
    )
    service.heartbeat.on_failing = terminal.failing_changed
    telling.terminal = terminal
    return terminal


async def _watch_network(courier: Courier, clock: Clock, log: EventLog) -> None:
    if not await NetworkWatch(courier.nudge, clock).run():  # central is asked every few seconds all the same
        log.emit(AlarmRaised(code="alarm.network_unwatched", subject=""))


async def _outbox(
    path: Path, settings: Settings, anchors: Anchors, clock: Clock, alarmed: Callable[[Alarm], None]
) -> Outbox:
    """Open the queue. Raises ``SettingsError`` for a file that is another's, ``QueueError`` for one that is ill."""
    try:
        return await Outbox.open(
            path,
            kiosk=settings.terminal.kiosk,
            central_key=anchors.seal_key,
            central_key_id=anchors.seal_key_id,
            receipt_keys=anchors.receipt_keys,
            now=clock.now,
            monotonic=clock.monotonic,
            on_alarm=alarmed,
        )
    except QueueCorrupt as error:
        raise QueueCorrupt(f"{path} is damaged: {error.detail}; keep the file and call a technician") from None
    except QueueError as error:
        remedy = REFUSED_QUEUES.get(error.code)
        if remedy is None:
            raise
        key = "terminal.kiosk" if error.code is QueueCode.WRONG_KIOSK else "terminal.state_dir"
        raise SettingsError([f"{key}: {path}: {error.detail}; {remedy}"]) from None


def _state_folder(settings: Settings, problems: list[str]) -> Path:
    """Make the folder of the queue: once, at start, before anything waits on this loop."""
    state = Path(settings.terminal.state_dir)
    try:
        state.mkdir(parents=True, exist_ok=True, mode=STATE_MODE)
    except (OSError, ValueError) as error:
        problems.append(f"terminal.state_dir: {state}: cannot be made: {said(error)}")
    else:
        if not os.access(state, os.R_OK | os.W_OK | os.X_OK):
            problems.append(f"terminal.state_dir: {state}: not readable and writable for this user")
    return state


def _stage(settings: Settings, screen: Screen, clock: Clock) -> Stage:
    terminal = settings.terminal
    lines = [
        text("stage.help.phone", phone=terminal.help_phone),
        text("stage.help.machine", name=said_in(terminal.name)),
    ]
    lines += [text("stage.help.nearest", place=said_in(place.name)) for place in terminal.elsewhere[:1]]
    return Stage(screen, clock, settings.timings, help_lines=lines)


def _parts(settings: Settings) -> Parts:
    """Make what only settings decide. Raises ``SettingsError`` with every problem at once."""
    problems: list[str] = []
    devices: dict[str, Device] = {}
    for role, wanted in settings.devices.items():
        try:
            devices[role] = make_device(role, wanted)
        except ValueError as error:
            problems.append(f"devices.{error}")
    decoder = None
    try:
        decoder = registry.create_photo_decoder(settings.photo_decoder)
    except ValueError as error:
        problems.append(f"photo_decoder: {error}")
    anchors = read_anchors(settings.central, problems)
    verifier = read_verifier(settings.central, problems)
    token = read_token(settings.central, problems)
    if not settings.central.url:
        problems.append("central.url: missing; a terminal needs a central to deliver to")
    check_connection(settings.central, problems)
    try:
        catalogue, _ = model.load(Path(settings.catalogue))
    except PackageError as error:
        problems += [f"catalogue: {problem}" for problem in error.problems]
    else:
        printing = sorted(package.code for package in catalogue.packages if prints_documents(package))
        if printing and not settings.central.document_ca:
            problems.append(f"central.document_ca: missing; {', '.join(printing)} would print what nobody has proved")
    state = _state_folder(settings, problems)
    if problems or anchors is None:
        raise SettingsError(problems)
    return Parts(devices, decoder, anchors, verifier, token, state)

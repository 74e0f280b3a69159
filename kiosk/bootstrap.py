"""The one place that constructs. Everything else receives what it needs."""

from __future__ import annotations

import base64
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from devices import registry
from devices.manager import DeviceManager
from kiosk.case_desk import VisitDesk
from kiosk.catalogue import model
from kiosk.clock import SystemClock
from kiosk.documents.seal import Verifier
from kiosk.elsewhere import said
from kiosk.errors import PackageError, SettingsError
from kiosk.event_log import EventLog
from kiosk.events import AlarmRaised, CatalogueRefused, DeviceChanged
from kiosk.gateway_http import HttpGateway
from kiosk.identity.face_local import LocalFaceEngine
from kiosk.staff import StaffNotices
from kiosk.stage import Stage
from kiosk.terminal import Terminal
from kiosk.views import text
from kiosk.visit import Tools
from offline_queue.courier import Courier
from offline_queue.http import HttpSender
from offline_queue.link import Link
from offline_queue.outbox import Outbox
from offline_queue.values import AdmissionLimits
from offline_queue.wire import load_sealing_key

if TYPE_CHECKING:
    from devices.device import Device
    from devices.errors import DeviceError
    from devices.health import Health
    from devices.values import Clock
    from kiosk.settings import Settings
    from kiosk.stage import Screen
    from offline_queue.values import Alarm

QUEUE_FILE = "queue.db"
STATE_MODE = 0o700
HOURS = 3600.0
MEGABYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Anchors:
    """What a terminal trusts of central, as central wrote it down when the terminal was enrolled."""

    seal_key_id: str
    seal_public_key: bytes
    receipt_key_id: str
    receipt_public_key: bytes


async def build(settings: Settings, screen: Screen, *, clock: Clock | None = None) -> Terminal:
    """Build a terminal on the running loop. Raises ``SettingsError`` with every problem, ``QueueError``."""
    clock = clock or SystemClock()
    log = EventLog(clock, sys.stdout)
    devices, decoder, anchors, verifier, token = _parts(settings)
    state = _state_folder(settings)
    central = settings.central
    gateway = HttpGateway(central.url, kiosk=settings.terminal.kiosk, token=token, tls_ca=central.tls_ca)
    catalogue, refused = model.load(Path(settings.catalogue))
    for error in refused:
        log.emit(CatalogueRefused(package=error.problems[0].partition(":")[0], problems=error.problems))
    made: list[Terminal] = []

    def device_changed(name: str, health: Health, error: DeviceError | None) -> None:
        conditions = tuple(sorted(condition.value for condition in health.conditions))
        detail = str(error) if error is not None else ""
        log.emit(DeviceChanged(device=name, state=health.state.value, conditions=conditions, detail=detail))
        for terminal in made:
            terminal.device_changed(name, health)

    def link_changed(link: Link) -> None:
        for terminal in made:
            terminal.link_changed(up=link is Link.UP)

    def alarmed(alarm: Alarm) -> None:
        log.emit(AlarmRaised(code=alarm.code.value, subject=str(alarm.seq or "")))

    outbox = await Outbox.open(
        state / QUEUE_FILE,
        kiosk=settings.terminal.kiosk,
        central_key=load_sealing_key(anchors.seal_public_key),
        central_key_id=anchors.seal_key_id,
        receipt_keys={anchors.receipt_key_id: Ed25519PublicKey.from_public_bytes(anchors.receipt_public_key)},
        now=clock.now,
        monotonic=clock.monotonic,
        on_alarm=alarmed,
    )
    sender = HttpSender(central.url, kiosk=settings.terminal.kiosk, ca_file=Path(central.tls_ca), token=lambda: token)
    courier = Courier(outbox, sender, monotonic=clock.monotonic, sleep=clock.sleep, on_link=link_changed)
    face = settings.face

    def open_desk(visit: str) -> VisitDesk:
        return VisitDesk(outbox, clock, log, settings.terminal.kiosk, visit)

    tools = Tools(
        settings=settings,
        clock=clock,
        log=log,
        devices=DeviceManager(devices, clock=clock, on_change=device_changed),
        gateway=gateway,
        catalogue=catalogue,
        face=LocalFaceEngine(face.match_at, face.no_match_at) if face.engine == "local" else None,
        photo_decoder=decoder,
        verifier=verifier,
        staff=StaffNotices(log, open_desk),
    )
    limits = AdmissionLimits(
        max_age_s=settings.limits.unsent_age_h * HOURS,
        max_pending=settings.limits.unsent_items,
        min_disk_bytes=settings.limits.disk_free_mb * MEGABYTES,
    )

    async def limits_reached() -> tuple[str, ...]:
        return tuple(reason.value for reason in await outbox.admission(limits))

    async def stop_queue() -> None:
        await sender.close()
        await outbox.close()

    terminal = Terminal(
        tools,
        _stage(settings, screen, clock),
        outbox,
        courier,
        open_desk=open_desk,
        limits_reached=limits_reached,
        stop_queue=stop_queue,
    )
    made.append(terminal)
    return terminal


def _state_folder(settings: Settings) -> Path:
    """Make the folder of the queue: once, at start, before anything waits on this loop."""
    state = Path(settings.terminal.state_dir)
    state.mkdir(parents=True, exist_ok=True, mode=STATE_MODE)
    return state


def _stage(settings: Settings, screen: Screen, clock: Clock) -> Stage:
    terminal = settings.terminal
    lines = [
        text("stage.help.phone", phone=terminal.help_phone),
        text("stage.help.machine", name=said(terminal.name)),
    ]
    lines += [text("stage.help.nearest", place=said(place.name)) for place in terminal.elsewhere[:1]]
    return Stage(screen, clock, settings.timings, help_lines=lines)


def _parts(settings: Settings) -> tuple[dict[str, Device], Any, Anchors, Verifier | None, str]:
    """Make what only settings decide. Raises ``SettingsError`` with every problem at once."""
    problems: list[str] = []
    devices: dict[str, Device] = {}
    for role, wanted in settings.devices.items():
        try:
            devices[role] = registry.create(wanted.driver, role, wanted.options)
        except ValueError as error:
            problems.append(f"devices.{error}")
    decoder = None
    try:
        decoder = registry.create_photo_decoder(settings.photo_decoder)
    except ValueError as error:
        problems.append(f"photo_decoder: {error}")
    anchors = _anchors(settings, problems)
    verifier = None
    if settings.central.document_ca:
        try:
            verifier = Verifier([Path(settings.central.document_ca)])
        except (OSError, ValueError) as error:
            problems.append(f"central.document_ca: {error}")
    token = _read(settings.central.token_file, "central.token_file", problems).strip()
    problems += [
        f"central.{key}: missing; a terminal needs a central to deliver to"
        for key in ("url", "tls_ca")
        if not getattr(settings.central, key)
    ]
    try:
        model.load(Path(settings.catalogue))
    except PackageError as error:
        problems += [f"catalogue: {problem}" for problem in error.problems]
    if problems or anchors is None:
        raise SettingsError(problems)
    return devices, decoder, anchors, verifier, token


def _anchors(settings: Settings, problems: list[str]) -> Anchors | None:
    raw = _read(settings.central.anchors, "central.anchors", problems)
    if not raw:
        return None
    try:
        data = json.loads(raw)
        return Anchors(
            seal_key_id=data["seal_key_id"],
            seal_public_key=base64.b64decode(data["seal_public_key"]),
            receipt_key_id=data["receipt_key_id"],
            receipt_public_key=base64.b64decode(data["receipt_public_key"]),
        )
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        problems.append(f"central.anchors: {settings.central.anchors}: {type(error).__name__}: {error}")
        return None


def _read(path: str, key: str, problems: list[str]) -> str:
    if not path:
        problems.append(f"{key}: missing; central writes it when the terminal is enrolled")
        return ""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{key}: {path}: {error}")
        return ""

"""The one place that constructs. Everything else receives what it needs."""

from __future__ import annotations

import base64
import json
import os
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from devices import registry
from devices.manager import DeviceManager
from kiosk.availability import prints_documents
from kiosk.case_desk import VisitDesk
from kiosk.catalogue import model
from kiosk.clock import SystemClock
from kiosk.documents.seal import Verifier
from kiosk.errors import PackageError, SettingsError
from kiosk.event_log import EventLog
from kiosk.events import AlarmRaised, CatalogueRefused, DeviceChanged
from kiosk.gateway_http import HttpGateway
from kiosk.identity.face_local import LocalFaceEngine
from kiosk.phrases import said
from kiosk.staff import StaffNotices
from kiosk.stage import Stage
from kiosk.terminal import Terminal
from kiosk.views import text
from kiosk.visit import Tools
from offline_queue.courier import Courier
from offline_queue.errors import QueueCode, QueueCorrupt, QueueError
from offline_queue.http import HttpSender
from offline_queue.link import Link
from offline_queue.outbox import Outbox
from offline_queue.values import AdmissionLimits
from offline_queue.wire import load_sealing_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

    from devices.device import Device
    from devices.errors import DeviceError
    from devices.health import Health
    from devices.values import Clock
    from kiosk.settings import Settings
    from kiosk.stage import Screen
    from offline_queue.values import Alarm

QUEUE_FILE = "queue.db"
STATE_MODE = 0o700
REFUSED_QUEUES = {
    QueueCode.LOCKED: "stop the other terminal or give this one a folder of its own",
    QueueCode.WRONG_KIOSK: "name the terminal as it was, or give this one an empty folder",
}
"""What only somebody who looks after the settings can put right: trying again by itself would change nothing."""
HOURS = 3600.0
MEGABYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Anchors:
    """What a terminal trusts of central, as central wrote it down when the terminal was enrolled."""

    seal_key_id: str
    seal_key: X25519PublicKey
    receipt_key_id: str
    receipt_key: Ed25519PublicKey


async def build(settings: Settings, screen: Screen, *, clock: Clock | None = None) -> Terminal:
    """Build a terminal on the running loop. Raises ``SettingsError`` with every problem, ``QueueError``."""
    clock = clock or SystemClock()
    log = EventLog(clock, sys.stdout)
    devices, decoder, anchors, verifier, token, state = _parts(settings)
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

    outbox = await _outbox(state / QUEUE_FILE, settings, anchors, clock, alarmed)
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
        staff=StaffNotices(log, clock, open_desk),
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
            receipt_keys={anchors.receipt_key_id: anchors.receipt_key},
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
        problems.append(f"terminal.state_dir: {state}: cannot be made: {_said(error)}")
    else:
        if not os.access(state, os.R_OK | os.W_OK | os.X_OK):
            problems.append(f"terminal.state_dir: {state}: not readable and writable for this user")
    return state


def _stage(settings: Settings, screen: Screen, clock: Clock) -> Stage:
    terminal = settings.terminal
    lines = [
        text("stage.help.phone", phone=terminal.help_phone),
        text("stage.help.machine", name=said(terminal.name)),
    ]
    lines += [text("stage.help.nearest", place=said(place.name)) for place in terminal.elsewhere[:1]]
    return Stage(screen, clock, settings.timings, help_lines=lines)


def _parts(settings: Settings) -> tuple[dict[str, Device], Any, Anchors, Verifier | None, str, Path]:
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
    verifier = _verifier(settings, problems)
    token = _token(settings, problems)
    if not settings.central.url:
        problems.append("central.url: missing; a terminal needs a central to deliver to")
    _check_authority(settings, problems)
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
    return devices, decoder, anchors, verifier, token, state


def _anchors(settings: Settings, problems: list[str]) -> Anchors | None:
    at = settings.central.anchors
    raw = _read(at, "central.anchors", problems)
    if not raw:
        return None
    try:
        data = json.loads(raw)
        return Anchors(
            seal_key_id=_name(data["seal_key_id"]),
            seal_key=load_sealing_key(base64.b64decode(data["seal_public_key"], validate=True)),
            receipt_key_id=_name(data["receipt_key_id"]),
            receipt_key=Ed25519PublicKey.from_public_bytes(base64.b64decode(data["receipt_public_key"], validate=True)),
        )
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        problems.append(f"central.anchors: {at}: not what central wrote at enrolment: {_said(error)}")
        return None


def _name(key_id: object) -> str:
    if not isinstance(key_id, str) or not key_id:
        raise TypeError("a key's id is missing")
    return key_id


def _verifier(settings: Settings, problems: list[str]) -> Verifier | None:
    at = settings.central.document_ca
    if not at:
        return None
    try:
        verifier = Verifier([Path(at)])
        for root in verifier.roots:
            _ = root.public_key.native, root.subject.native, root.not_valid_after  # parsed only when looked at
    except (OSError, ValueError, TypeError, KeyError) as error:
        problems.append(f"central.document_ca: {at}: no certificate can be read: {_said(error)}")
        return None
    return verifier


def _check_authority(settings: Settings, problems: list[str]) -> None:
    at = settings.central.tls_ca
    if not at:
        problems.append("central.tls_ca: missing; central writes it when the terminal is enrolled")
        return
    try:
        ssl.create_default_context(cafile=at)
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        problems.append(f"central.tls_ca: {at}: no certificate can be read: {_said(error)}")


def _token(settings: Settings, problems: list[str]) -> str:
    at = settings.central.token_file
    known = len(problems)
    token = _read(at, "central.token_file", problems).strip()
    if len(problems) == known and not (token.isascii() and token.isprintable() and token and " " not in token):
        problems.append(f"central.token_file: {at}: expected one word of ASCII; central writes it at enrolment")
    return token


def _read(path: str, key: str, problems: list[str]) -> str:
    if not path:
        problems.append(f"{key}: missing; central writes it when the terminal is enrolled")
        return ""
    try:
        content = Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        problems.append(f"{key}: {path}: {_said(error)}")
        return ""
    if not content:
        problems.append(f"{key}: {path}: empty")
    return content


def _said(error: Exception) -> str:
    """Return what is wrong, without repeating the path; a key's or token's bytes are in none of these messages."""
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    reason = error.strerror if isinstance(error, OSError) else None
    return reason or f"{type(error).__name__}: {error}"

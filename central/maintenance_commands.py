"""Orders, technicians' cards and the state of machines at a shell: ``python -m central order|technician|machine …``."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from central import technicians, work_orders
from central.clock import SystemClock
from central.machines import RANK, state_of
from central.office import database_in
from central.store.database import Store
from central.store.schema import Kiosk
from central.store.upkeep import Heartbeat, MaintenanceEntry, Readiness, Technician, WorkOrder

if TYPE_CHECKING:
    from collections.abc import Callable

    Add = Callable[[Any, str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]

EX_OK: Final = 0
HOURS: Final = 8.0


def add_commands(commands: Any, add: Add) -> None:
    """Add the commands of this module to central's parser."""
    order = commands.add_parser("order", help="work orders").add_subparsers(required=True)
    opened = add(order, "open", _open, "let a technician open a machine for a while")
    opened.add_argument("--kiosk", required=True)
    opened.add_argument("--technician", required=True, help="the id on the card")
    opened.add_argument("--role", default="technician", choices=work_orders.ROLES)
    opened.add_argument("--hours", type=float, default=HOURS, help="how long the order opens the machine")
    opened.add_argument("--begins", type=_moment, default=None, help="ISO time with its zone; now by default")
    opened.add_argument("--back", type=_moment, default=None, help="when residents are told it is back")
    opened.add_argument("--fault", default="", help="the alarm's code, as device.paper_jam")
    opened.add_argument("--subject", default="", help="the device's role, as document_printer")
    opened.add_argument("--part", action="append", default=[], help="to bring; repeatable")
    add(order, "list", _list, "orders and their states").add_argument("--all", action="store_true")
    add(order, "close", _close, "withdraw an order").add_argument("number")
    card = commands.add_parser("technician", help="technicians' cards").add_subparsers(required=True)
    issue = add(card, "issue", _issue, "certify the key a card has made")
    issue.add_argument("technician")
    issue.add_argument("--role", default="technician", choices=work_orders.ROLES)
    issue.add_argument("--public-key", type=Path, required=True, help="PEM of the card's key 9A")
    issue.add_argument("--out", type=Path, required=True, help="where the certificate is written (PEM)")
    add(card, "revoke", _revoke, "every card of a technician opens nothing any more").add_argument("technician")
    add(card, "list", _cards, "cards and their states")
    machine = commands.add_parser("machine", help="how machines are").add_subparsers(required=True)
    add(machine, "list", _machines, "all machines, the worst first, with the minute all of it was last proven")
    shown = add(machine, "show", _machine, "the last report of one machine")
    shown.add_argument("kiosk")
    shown.add_argument("--json", action="store_true", dest="as_json")
    book = add(machine, "book", _book, "what was done to a machine")
    book.add_argument("kiosk")


def _open(options: argparse.Namespace) -> int:
    now, store = SystemClock().now(), _store(options)
    begins = options.begins or now
    with store.write() as session:
        order = work_orders.open_order(
            session,
            kiosk=options.kiosk,
            technician=options.technician,
            role=options.role,
            begins=begins,
            ends=begins + timedelta(hours=options.hours),
            fault=options.fault,
            subject=options.subject,
            parts=options.part,
            back=options.back,
            now=now,
        )
        number = order.number
    store.close()
    _say(f"order {number}: {options.technician} at {options.kiosk}, for {options.hours:g} h from {begins.isoformat()}")
    return EX_OK


def _list(options: argparse.Namespace) -> int:
    store = _store(options)
    with store.read() as session:
        for one in session.scalars(select(WorkOrder).order_by(WorkOrder.number)):
            if options.all or one.state == work_orders.OPEN:
                what = f"{one.fault or '-'} {one.subject or '-'}"
                _say(
                    f"{one.number}  {one.state:<9} {one.kiosk}  {one.technician}  until {one.ends.isoformat()}  {what}"
                )
    store.close()
    return EX_OK


def _close(options: argparse.Namespace) -> int:
    store = _store(options)
    with store.write() as session:
        found = work_orders.close_order(
            session, options.number, by="dispatcher", now=SystemClock().now(), state=work_orders.WITHDRAWN
        )
    store.close()
    if not found:
        raise LookupError(f"no order {options.number} is open")
    _say(f"order {options.number} is withdrawn; the machine hears of it within minutes")
    return EX_OK


def _issue(options: argparse.Namespace) -> int:
    now, store = SystemClock().now(), _store(options)
    root = technicians.authority(options.data, now)
    with store.write() as session:
        made = technicians.issue(
            session, root, options.technician, options.role, public_pem=options.public_key.read_bytes(), now=now
        )
    store.close()
    options.out.write_bytes(made)
    _say(f"{options.out}: write it to slot 9A of the card of {options.technician}")
    return EX_OK


def _revoke(options: argparse.Namespace) -> int:
    store = _store(options)
    with store.write() as session:
        count = technicians.revoke(session, options.technician, SystemClock().now())
    store.close()
    _say(f"{options.technician}: {count} cards revoked; machines that reach us hear of it within five minutes")
    return EX_OK


def _cards(options: argparse.Namespace) -> int:
    store, now = _store(options), SystemClock().now()
    with store.read() as session:
        for card in session.scalars(select(Technician).order_by(Technician.id, Technician.issued)):
            state = "revoked" if card.revoked else "expired" if card.expires <= now else "valid"
            _say(f"{card.id}  {card.role}  {state}  until {card.expires.isoformat(timespec='seconds')}")
    store.close()
    return EX_OK


def _machines(options: argparse.Namespace) -> int:
    store = _store(options)
    with store.read() as session:
        reports = {one.kiosk: one for one in session.scalars(select(Readiness))}
        beats = {one.kiosk: one for one in session.scalars(select(Heartbeat))}
        found = [
            (state_of(beats.get(kiosk), _worst(reports.get(kiosk))), kiosk)
            for kiosk in session.scalars(select(Kiosk.id))
        ]
    store.close()
    for state, kiosk in sorted(found, key=lambda one: (RANK[one[0].colour], one[0].proven, one[1])):
        proven = state.proven or "never"
        because = f"  {state.because}" if state.because else ""
        _say(f"{kiosk}  {state.colour:<7}  proven {proven}  heard {state.heard or 'never reported'}{because}")
    return EX_OK


def _machine(options: argparse.Namespace) -> int:
    store = _store(options)
    with store.read() as session:
        held = session.get(Readiness, options.kiosk)
    store.close()
    if held is None:
        raise LookupError(f"{options.kiosk} has never reported")
    sections = json.loads(held.sections)
    if options.as_json:
        _say(json.dumps({"kiosk": held.kiosk, "at": held.at.isoformat(), "sections": sections}))
        return EX_OK
    _say(f"{held.kiosk} at {held.at.isoformat()}")
    for section in sections:
        _say(f"{section['colour']:<7} {section['id']}")
        for row in section["rows"]:
            facts = ", ".join(f"{name} {value}" for name, value in row.items() if name not in {"id", "colour"})
            _say(f"  {row['colour']:<7} {row['id']}: {facts}")
    return EX_OK


def _book(options: argparse.Namespace) -> int:
    store = _store(options)
    with store.read() as session:
        query = select(MaintenanceEntry).where(MaintenanceEntry.kiosk == options.kiosk)
        for one in session.scalars(query.order_by(MaintenanceEntry.at, MaintenanceEntry.n)):
            words = " ".join(word for word in (one.who, one.order, one.subject, one.outcome) if word)
            _say(f"{one.at.isoformat(timespec='seconds')}  {one.kind:<12} {words}")
    store.close()
    return EX_OK


def _worst(held: Readiness | None) -> tuple[str, str]:
    if held is None:
        return "unknown", ""
    colours = [section["colour"] for section in json.loads(held.sections)]
    return min(colours, key=lambda colour: RANK.get(colour, 2), default="unknown"), held.at.isoformat(
        timespec="seconds"
    )


def _store(options: argparse.Namespace) -> Store:
    return Store(options.database or database_in(options.data))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise argparse.ArgumentTypeError("an ISO time with its zone, as 2026-11-21T02:00:00+00:00")
    return moment.astimezone(UTC)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")

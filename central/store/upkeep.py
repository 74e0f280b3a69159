"""Tables of machines' upkeep: work orders, technicians' cards, and what terminals report of their maintenance."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - the mapper reads annotations at run time

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from central.store.schema import ItemKey, Table


class WorkOrder(Table):
    """Who may open a machine, when and for what; ``revision`` counts how often it was opened."""

    __tablename__ = "work_order"
    number: Mapped[str] = mapped_column(String(16), primary_key=True)
    kiosk: Mapped[str] = mapped_column(String(64), index=True)
    technician: Mapped[str] = mapped_column(String(16))
    role: Mapped[str] = mapped_column(String(16))
    begins: Mapped[datetime]
    ends: Mapped[datetime]
    back: Mapped[datetime | None]  # what residents are told
    fault: Mapped[str] = mapped_column(String(64))  # an alarm's code
    subject: Mapped[str] = mapped_column(String(128))
    parts: Mapped[str] = mapped_column(Text)  # JSON list
    state: Mapped[str] = mapped_column(String(16))
    revision: Mapped[int]
    opened: Mapped[datetime]
    closed: Mapped[datetime | None]
    closed_by: Mapped[str] = mapped_column(String(64), default="")


class Technician(Table):
    """A card that was certified; ``serial`` in hexadecimal digits."""

    __tablename__ = "technician"
    serial: Mapped[str] = mapped_column(String(40), primary_key=True)
    id: Mapped[str] = mapped_column(String(16), index=True)
    role: Mapped[str] = mapped_column(String(16))
    issued: Mapped[datetime]
    expires: Mapped[datetime]
    revoked: Mapped[datetime | None]


class MaintenanceEntry(ItemKey, Table):
    """An entry of a terminal's service book; ``n`` is its number there."""

    __tablename__ = "maintenance_entry"
    __table_args__ = (Index("maintenance_number", "kiosk", "n"),)
    n: Mapped[int]
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(32))
    who: Mapped[str] = mapped_column(String(64))
    order: Mapped[str] = mapped_column(String(16))
    subject: Mapped[str] = mapped_column(String(128))
    outcome: Mapped[str] = mapped_column(String(128))
    facts: Mapped[str] = mapped_column(Text)  # JSON object


class Readiness(Table):
    """How a machine said it is, last."""

    __tablename__ = "readiness"
    kiosk: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]
    sections: Mapped[str] = mapped_column(Text)  # JSON list


class Heartbeat(Table):
    """The latest heartbeat of a machine. ``silent``: when it was last heard, once it has missed too many."""

    __tablename__ = "heartbeat"
    kiosk: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]
    received: Mapped[datetime]
    every_s: Mapped[int]
    body: Mapped[str] = mapped_column(Text)  # JSON object
    silent: Mapped[datetime | None]


class DryRun(ItemKey, Table):
    """A terminal served itself from end to end. Never a case."""

    __tablename__ = "dry_run"
    service: Mapped[str] = mapped_column(String(64))
    version: Mapped[int]
    at: Mapped[datetime]


METADATA = Table.metadata
"""Of all tables: those of :mod:`central.store.schema` and these."""

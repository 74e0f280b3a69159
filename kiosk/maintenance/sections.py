"""How the machine is, in sections: one set for the screen, the printed report, the message to central and the shell.

:func:`sections` is pure: it turns what was found into rows of a colour, words for people and plain facts for machines.
Nothing of a resident is in any of it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from devices.errors import DeviceCode
from kiosk.maintenance.dry_run import DryRunFault
from kiosk.maintenance.findings import DeviceFinding, Findings, Row, Section
from kiosk.maintenance.results import CheckOutcome
from kiosk.phrases import local
from kiosk.views import NOTHING, Colour, Text, plain, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kiosk.maintenance.found_items import FoundItem
    from kiosk.maintenance.results import CheckResult
    from kiosk.maintenance.supplies import Supply

STALE_PROOF: Final = timedelta(hours=2)  # twice the longest pause between two heartbeats
DISK_LOW_MB: Final = 2048
MEMORY_LOW_MB: Final = 256
HOT: Final = 75.0  # degrees Celsius: below where processors slow themselves down
OLD_UNSENT_S: Final = 24 * 3600
RECENT: Final = timedelta(days=7)
MOST_TROUBLES: Final = 12
STATE_COLOURS: Final = {"ready": Colour.GREEN, "degraded": Colour.YELLOW, "fault": Colour.RED, "absent": Colour.RED}


def sections(it: Findings) -> tuple[Section, ...]:
    """Return every section, in the order they are read."""
    made = {
        "identity": _identity(it),
        "devices": [_device(it, one) for one in it.devices],
        "queue": _queue(it),
        "link": _link(it),
        "machine": _machine(it),
        "supplies": [_supply(one) for one in it.supplies],
        "counters": [_counter(role, total) for role, total in sorted(it.counters.items())],
        "found": [_found(it, one) for one in it.found],
        "tests": [_test(it, one) for one in it.results],
        "troubles": list(_troubles(it)),
    }
    return tuple(
        Section(id=name, title=text(f"maintenance.section.{name}"), rows=tuple(rows)) for name, rows in made.items()
    )


def told(found: tuple[Section, ...]) -> list[dict[str, object]]:
    """Return the sections as plain values, for JSON."""
    return [
        {
            "id": section.id,
            "colour": section.colour.value,
            "rows": [{"id": row.id, "colour": row.colour.value, **row.facts} for row in section.rows],
        }
        for section in found
    ]


def minute(it: Findings, iso: str) -> Text:
    """Return a moment as people at the machine read it; "never" for none."""
    if not iso:
        return text("maintenance.never")
    return plain(local(it.terminal, datetime.fromisoformat(iso)).strftime("%Y-%m-%d %H:%M"))


def _identity(it: Findings) -> list[Row]:
    facts = {
        "kiosk": it.terminal.kiosk,
        "version": it.version,
        "profile": it.profile,
        "running": it.running,
        "mode": it.mode,
        "key": it.key,
        "at": it.now.isoformat(timespec="seconds"),
    }
    state = text(f"maintenance.mode.{it.mode}") if it.mode else text("maintenance.mode.unknown")
    return [
        _fact("kiosk", plain(it.terminal.kiosk), facts),
        _fact("version", plain(it.version), {"version": it.version}),
        _fact("profile", plain(it.profile), {"profile": it.profile}),
        _fact("mode", state, {"mode": it.mode}, Colour.GREEN if it.mode == "in_service" else Colour.YELLOW),
        _fact("key", text(f"maintenance.key.{it.key or 'unknown'}"), {"key": it.key}),
    ]


def _device(it: Findings, one: DeviceFinding) -> Row:
    trouble = it.record.present(one.role)
    proven = it.record.proven.get(one.role, "")
    colour = STATE_COLOURS.get(one.state, Colour.GREY)
    stale = not proven or it.now - datetime.fromisoformat(proven) > STALE_PROOF
    if trouble is not None and trouble.by_proof:
        colour = Colour.RED  # it says that it is in order, and was seen not to do its work
    elif colour is Colour.GREEN and stale:
        colour = Colour.YELLOW  # it answers; whether it works nobody has seen lately
    said = [text(f"maintenance.condition.{name}") for name in one.conditions]
    value = text("maintenance.device.state", state=text(f"maintenance.device.{one.state}"), proven=minute(it, proven))
    if said:
        value = text(
            "maintenance.device.state_because",
            state=text(f"maintenance.device.{one.state}"),
            cause=said[0],
            proven=minute(it, proven),
        )
    detail = NOTHING
    if trouble is not None:
        detail = text("maintenance.device.began", at=minute(it, trouble.began), cause=_cause(trouble.first))
    return Row(
        id=one.role,
        label=text(f"device.{one.role}"),
        value=value,
        colour=colour,
        detail=detail,
        facts={
            "driver": one.driver,
            "model": one.model,
            "serial": one.serial,
            "state": one.state,
            "conditions": list(one.conditions),
            "since": one.since,
            "last_proven": proven,
            "first_cause": trouble.first if trouble is not None else "",
            "began": trouble.began if trouble is not None else "",
        },
    )


def _cause(said: str) -> Text:
    """Return words for "fault paper_jam": the named cause, else the state, of a device or the link; or for a code."""
    if said in _DRY_RUN:
        return text(f"maintenance.dry.{said}")
    if said in _DEVICE_CODES or said in _NOT_DONE:
        return why(said)
    state, _, conditions = said.partition(" ")
    if conditions:
        return text(f"maintenance.condition.{conditions.split()[0]}")
    return text(f"maintenance.link.{state}" if state == "down" else f"maintenance.device.{state}")


def _queue(it: Findings) -> list[Row]:
    if it.queue is None:
        return [_fact("queue", text("maintenance.not_known"), {}, Colour.GREY)]
    pending, held = _number(it.queue.get("pending")), _number(it.queue.get("quarantined"))
    age = _number(it.queue.get("oldest_age_s"))
    last = str(it.queue.get("last_receipt") or "")
    return [
        _fact("pending", plain(pending), {"pending": pending}, Colour.GREEN if pending == 0 else Colour.YELLOW),
        _fact(
            "oldest",
            text("maintenance.hours", hours=age // 3600, minutes=age % 3600 // 60),
            {"oldest_age_s": age},
            Colour.YELLOW if age > OLD_UNSENT_S else Colour.GREEN,
        ),
        _fact("quarantined", plain(held), {"quarantined": held}, Colour.GREEN if held == 0 else Colour.RED),
        _fact("receipt", minute(it, last), {"last_receipt": last}),
    ]


def _link(it: Findings) -> list[Row]:
    proven = it.record.proven.get("central", "")
    trouble = it.record.present("central")
    clock = str((it.queue or {}).get("clock", "")) or "unknown"
    up = Colour.GREEN if it.link == "up" else Colour.RED if it.link else Colour.GREY
    return [
        _fact(
            "central",
            text(f"maintenance.link.{it.link or 'unknown'}"),
            {"link": it.link, "address": it.central, "began": trouble.began if trouble else ""},
            up,
        ),
        _fact("heard", minute(it, proven), {"last_proven": proven}),
        _fact(
            "clock",
            text(f"maintenance.clock.{clock}"),
            {"clock": clock, "now": it.now.isoformat(timespec="seconds"), "timezone": it.terminal.timezone},
            Colour.GREEN if clock == "trusted" else Colour.GREY if clock == "unknown" else Colour.RED,
        ),
    ]


def _machine(it: Findings) -> list[Row]:
    one = it.machine

    def figure(name: str, value: float | None, unit: str, *, good: bool) -> Row:
        shown = text("maintenance.not_known") if value is None else plain(f"{value:g} {unit}".strip())
        colour = Colour.GREY if value is None else Colour.GREEN if good else Colour.YELLOW
        return _fact(name, shown, {name: value}, colour)

    return [
        figure("disk_free_mb", one.disk_free_mb, "MiB", good=(one.disk_free_mb or 0) >= DISK_LOW_MB),
        figure("memory_free_mb", one.memory_free_mb, "MiB", good=(one.memory_free_mb or 0) >= MEMORY_LOW_MB),
        figure("temperature", one.temperature, "°C", good=(one.temperature or 0) < HOT),
        figure("load", None if one.load is None else round(one.load, 2), "", good=True),
        figure("uptime_h", None if one.uptime_s is None else round(one.uptime_s / 3600, 1), "h", good=True),
    ]


def _supply(one: Supply) -> Row:
    days = text("maintenance.not_known") if one.days_left is None else text("maintenance.days", days=one.days_left)
    return Row(
        id=one.kind.value,
        label=text(f"maintenance.supply.{one.kind}"),
        value=text("maintenance.supply.left", left=one.left, full=one.full, days=days),
        colour=Colour.RED if one.left == 0 else Colour.YELLOW if one.warn else Colour.GREEN,
        facts={
            "role": one.role,
            "left": one.left,
            "full": one.full,
            "days_left": one.days_left,
            "counted_by": one.counted_by,
        },
    )


def _counter(role: str, total: int) -> Row:
    return Row(
        id=role,
        label=text(f"device.{role}"),
        value=text("maintenance.counted", count=total),
        colour=Colour.GREY,
        facts={"total": total},
    )


def _found(it: Findings, one: FoundItem) -> Row:
    return Row(
        id=str(one.number),
        label=text("maintenance.found.item", number=one.number, what=text(f"maintenance.found.{one.kind}")),
        value=text("maintenance.found.where", bag=one.bag, at=minute(it, one.found_at)),
        colour=Colour.YELLOW,
        facts={"kind": one.kind.value, "bag": one.bag, "place": one.place, "at": one.found_at, "by": one.found_by},
    )


def _test(it: Findings, one: CheckResult) -> Row:
    colours = {CheckOutcome.PASSED: Colour.GREEN, CheckOutcome.FAILED: Colour.RED, CheckOutcome.SKIPPED: Colour.GREY}
    value = text("maintenance.test.outcome", outcome=text(f"maintenance.test.{one.outcome}"), at=minute(it, one.at))
    return Row(
        id=one.role,
        label=part(one.role),
        value=value,
        colour=colours[one.outcome],
        detail=why(one.code),
        facts={"outcome": one.outcome.value, "code": one.code, "at": one.at, "seconds": one.seconds},
    )


def _troubles(it: Findings) -> Iterator[Row]:
    for number, one in enumerate(it.record.recent(it.now - RECENT)):
        if number >= MOST_TROUBLES:
            return
        until = minute(it, one.ended) if one.ended else text("maintenance.still")
        yield Row(
            id=f"{one.subject}-{number}",
            label=part(one.subject),
            value=text("maintenance.trouble", cause=_cause(one.first), began=minute(it, one.began), ended=until),
            colour=Colour.YELLOW if one.ended else Colour.RED,
            facts={
                "subject": one.subject,
                "first": one.first,
                "last": one.last,
                "began": one.began,
                "ended": one.ended,
            },
        )


def part(subject: str) -> Text:
    """Return the name of a device, or of another part of the machine."""
    return text(f"maintenance.part.{subject}" if subject in PARTS else f"device.{subject}")


PARTS: Final = frozenset({"face", "central", "queue", "disk", "dry_run"})


def why(code: str) -> Text:
    """Return words for a test's code: a device's own, or one of the tests'."""
    if not code:
        return NOTHING
    return text(f"fault.{code}.happened" if code in _DEVICE_CODES else f"maintenance.why.{code}")


_DEVICE_CODES: Final = frozenset(code.value for code in DeviceCode)
_DRY_RUN: Final = frozenset(fault.value for fault in DryRunFault)
_NOT_DONE: Final = frozenset({"central_refused", "central_silent", "health", "queue_damaged"})  # of a heartbeat


def _fact(name: str, value: Text, facts: Mapping[str, object], colour: Colour = Colour.GREY) -> Row:
    return Row(id=name, label=text(f"maintenance.fact.{name}"), value=value, colour=colour, facts=facts)


def _number(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0

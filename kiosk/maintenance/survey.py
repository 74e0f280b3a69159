"""Finds out how the machine is: from inside the running terminal, or from its files when only those are at hand."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from devices.errors import DeviceError
from devices.printer import Printer
from devices.printer import SupplyKind as TheirKind
from kiosk.clock import deadline
from kiosk.maintenance import machine
from kiosk.maintenance.findings import DeviceFinding, Findings
from kiosk.maintenance.found_items import read_found
from kiosk.maintenance.proof import read_record
from kiosk.maintenance.results import read_results
from kiosk.maintenance.supplies import SupplyKind, forecast, full_of, read_use
from kiosk.phrases import local

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from devices.printer import Supply as TheirSupply
    from kiosk.maintenance.found_items import FoundItems
    from kiosk.maintenance.proof import Proofs
    from kiosk.maintenance.supplies import Supplies
    from kiosk.settings import Settings
    from kiosk.visit import Tools
    from offline_queue.outbox import Outbox

ASK_S: Final = 3.0  # a printer that takes longer to say what is left is not asked further
OURS: Final = {
    ("document_printer", TheirKind.PAPER): SupplyKind.SHEETS,
    ("document_printer", TheirKind.TONER): SupplyKind.TONER,
    ("receipt_printer", TheirKind.PAPER): SupplyKind.SLIPS,
    ("receipt_printer", TheirKind.HEAD): SupplyKind.HEAD,
}


class Survey:
    """Of a running terminal. ``mode`` tells its mode, ``link_up`` whether central is reached."""

    def __init__(
        self,
        tools: Tools,
        outbox: Outbox,
        folder: Path,
        *,
        proofs: Proofs,
        supplies: Supplies,
        found: FoundItems,
        version: str,
        mode: Callable[[], str],
        link_up: Callable[[], bool],
    ) -> None:
        self._tools = tools
        self._outbox = outbox
        self._folder = folder
        self._proofs = proofs
        self._supplies = supplies
        self._found = found
        self._version = version
        self._mode = mode
        self._link_up = link_up

    async def findings(self, *, ask: bool = True) -> Findings:
        """Ask everything that can be asked without a resident noticing; without ``ask`` no device is talked to.

        Raises ``QueueError``, ``OSError``.
        """
        tools, settings = self._tools, self._tools.settings
        stats = await self._outbox.stats()
        results = await asyncio.to_thread(read_results, self._folder)
        computer = await asyncio.to_thread(machine.look, self._folder)
        told, counted = await self._asked() if ask else ({}, {})
        now = self._proofs.now()
        return Findings(
            now=now,
            terminal=settings.terminal,
            version=self._version,
            profile=settings.profile.value,
            running=True,
            mode=self._mode(),
            key=settings.keys.kind,
            central=settings.central.url,
            link="up" if self._link_up() else "down",
            devices=tuple(self._device(role) for role in tools.devices.names()),
            record=self._proofs.record,
            queue={
                "pending": stats.pending,
                "quarantined": stats.quarantined,
                "oldest_age_s": round(stats.oldest_age_s),
                "last_receipt": stats.last_receipt.isoformat(timespec="seconds") if stats.last_receipt else None,
                "clock": stats.clock.value,
            },
            machine=computer,
            supplies=forecast(
                self._supplies.use,
                settings.maintenance,
                local(settings.terminal, now).date(),
                set(tools.devices.names()),
                told,
            ),
            counters=dict(self._supplies.use.totals) | counted,
            found=self._found.open(),
            results=results,
        )

    def _device(self, role: str) -> DeviceFinding:
        health = self._tools.devices.health(role)
        return DeviceFinding(
            role=role,
            driver=self._tools.settings.devices[role].driver if role in self._tools.settings.devices else "",
            state=health.state.value,
            conditions=tuple(sorted(condition.value for condition in health.conditions)),
            since=self._tools.devices.since(role).isoformat(timespec="seconds"),
        )

    async def _asked(self) -> tuple[dict[SupplyKind, int], dict[str, int]]:
        """Return what printers say is left and what they have counted; one that does not say is left out."""
        left: dict[SupplyKind, int] = {}
        counted: dict[str, int] = {}
        full = full_of(self._tools.settings.maintenance)
        for role in ("document_printer", "receipt_printer"):
            if self._tools.devices.missing([role]):
                continue
            try:
                async with deadline(self._tools.clock, ASK_S), self._tools.devices.lease(role) as device:
                    if isinstance(device, Printer):
                        left |= _left(role, await device.supplies(), full)
                        sheets = (await device.counters()).sheets
                        counted |= {} if sheets is None else {role: sheets}
            except (DeviceError, TimeoutError):
                continue  # its health says what is wrong; our own count stands in
        return left, counted


def _left(role: str, said: tuple[TheirSupply, ...], full: Mapping[SupplyKind, int]) -> dict[SupplyKind, int]:
    """Return the least of each kind, in sheets or slips: of two trays, or four toners, the emptier one ends first."""
    found: dict[SupplyKind, int] = {}
    for one in said:
        ours = OURS.get((role, one.kind))
        if ours is not None and one.level is not None:
            amount = round(one.level * full[ours])
            found[ours] = min(amount, found.get(ours, amount))
    return found


def from_files(
    settings: Settings,
    folder: Path,
    *,
    version: str,
    running: bool,
    queue: Mapping[str, object] | None,
    devices: tuple[DeviceFinding, ...] | None = None,
) -> Findings:
    """Return what the files say; changes nothing. ``devices``: as probed, when no terminal holds them.

    Without it the states are those the terminal noted last. Raises ``OSError``.
    """
    record, use = read_record(folder), read_use(folder)
    trouble = record.present("central")
    now = datetime.now(UTC)
    if devices is None:
        devices = tuple(
            DeviceFinding(
                role=role,
                driver=wanted.driver,
                state=record.states.get(role, "unknown") if running else "unknown",
                conditions=tuple(record.conditions.get(role, ())) if running else (),
                since=record.since.get(role, ""),
            )
            for role, wanted in settings.devices.items()
        )
    return Findings(
        now=now,
        terminal=settings.terminal,
        version=version,
        profile=settings.profile.value,
        running=running,
        mode=record.mode if running else "",
        key=settings.keys.kind,
        central=settings.central.url,
        link="" if not running else "down" if trouble is not None else "up",
        devices=devices,
        record=record,
        queue=queue,
        machine=machine.look(folder if folder.exists() else folder.parent),
        supplies=forecast(
            use, settings.maintenance, local(settings.terminal, now).date(), {one.role for one in devices}, {}
        ),
        counters=use.totals,
        found=read_found(folder)[1],
        results=read_results(folder),
    )

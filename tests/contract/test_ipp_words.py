"""What an A4 printer says of itself, its paper and its certificate: over HTTP, with the real ``ippeveprinter``."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from devices.drivers.ipp_printer import IppPrinter
from devices.drivers.ipp_reasons import PRINTER_REASONS, SAID
from devices.errors import DeviceCode, DeviceFault, DeviceUnavailable
from devices.health import DEGRADING, READY, Condition, Health, HealthState
from devices.printer import PrinterCounters, PrintOutcome, PrintProgress, Supply, SupplyKind, SupplyState
from devices.sim.ipp_machine import IppMachine
from devices.sim.ippeve.front_panel import FrontPanel
from devices.testing.device import error_of, opened
from devices.values import PrintJob, Sides
from tests.sheet_printers import (
    SheetHands,
    pdf,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture(scope="session")
def build_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ippeve-build")


@pytest.fixture
async def machine(tmp_path: Path, build_dir: Path) -> AsyncIterator[IppMachine]:
    machine = IppMachine(tmp_path / "paper", tmp_path / "machine", build_dir)
    await machine.start()
    yield machine
    await machine.stop()


@pytest.fixture
def hands(machine: IppMachine) -> SheetHands:
    return SheetHands(machine)


@pytest.fixture
def device(machine: IppMachine) -> IppPrinter:
    return IppPrinter("a4", machine.uri)


@pytest.fixture
async def panel(machine: IppMachine) -> AsyncIterator[FrontPanel]:
    async with FrontPanel(machine.uri) as panel:
        yield panel


class TestEveryReason:
    """Over HTTP from the real printer, with a front panel that knows every word of the registry."""

    @pytest.fixture
    def device(self, panel: FrontPanel) -> IppPrinter:
        return IppPrinter("a4", panel.uri)

    async def test_every_condition_of_the_driver_is_seen_and_only_a_low_one_lets_a_job_through(
        self, device: IppPrinter, panel: FrontPanel, hands: SheetHands
    ) -> None:
        words = {condition: word for word, condition in PRINTER_REASONS.items() if condition is not None}
        assert words.keys() == SAID
        async with opened(device):
            for condition, word in words.items():
                panel.say("printer-state-reasons", f"{word}-warning")
                health = await device.probe()
                assert health.conditions == {condition}
                assert health.usable == (condition in DEGRADING)
                if not health.usable:
                    job = hands.new_job()
                    assert isinstance(await error_of(partial(device.print, job)), DeviceFault)
                    assert hands.copies(job) == 0
            panel.say("printer-state-reasons")
            assert await device.probe() == READY

    async def test_word_of_a_vendors_own_is_degraded_and_named_in_the_log_once(
        self, device: IppPrinter, panel: FrontPanel, caplog: pytest.LogCaptureFixture
    ) -> None:
        panel.say("printer-state-reasons", "acme-eco-mode-report", "media-low-report")
        async with opened(device):
            for _ in range(2):
                health = await device.probe()
                assert health == Health(HealthState.DEGRADED, frozenset({Condition.OTHER, Condition.PAPER_LOW}))
        assert [record.getMessage() for record in caplog.records if "acme-eco-mode" in record.getMessage()] == [
            "a4: printer-state-reason 'acme-eco-mode' is not known here"
        ]

    async def test_machines_counters_are_told_and_what_it_does_not_know_is_not(
        self, device: IppPrinter, panel: FrontPanel
    ) -> None:
        async with opened(device):
            assert await device.counters() == PrinterCounters()
            panel.say("printer-impressions-completed", 1200)
            panel.say("printer-media-sheets-completed", -2)
            assert await device.counters() == PrinterCounters(sides=1200)

    async def test_queue_of_a_print_server_is_refused_and_the_printer_behind_it_named(
        self, device: IppPrinter, panel: FrontPanel
    ) -> None:
        panel.say("cups-version", "2.4.2")
        panel.say("device-uri", "ipp://user:secret@10.0.0.7/ipp/print")
        error = await error_of(device.open)
        assert isinstance(error, DeviceFault)
        assert "10.0.0.7/ipp/print" in error.detail
        assert "secret" not in error.detail
        assert (await error_of(device.probe)).code is DeviceCode.CLOSED


class TestSheets:
    async def test_letter_in_the_tray_is_no_paper_for_an_a4_document(
        self, device: IppPrinter, hands: SheetHands, machine: IppMachine
    ) -> None:
        job = hands.new_job()
        async with opened(device):
            await machine.load_size("na_letter_8.5x11in")
            assert (await device.probe()).conditions == {Condition.PAPER_OUT}
            error = await error_of(lambda: device.print(job))
            assert (type(error), error.code) == (DeviceFault, DeviceCode.PAPER_OUT)
            assert "loaded is na_letter_8.5x11in" in error.detail
            await hands.load()
            assert hands.copies(job) == 0
            await device.print(job)
            assert hands.copies(job) == 1

    async def test_tray_is_chosen_by_its_name_and_one_that_is_not_there_is_refused(
        self, device: IppPrinter, hands: SheetHands
    ) -> None:
        job = hands.new_job()
        async with opened(device):
            await device.print(replace(job, tray="main"))
            for tray, word in (("cellar", "no tray 'cellar'"), ("by-pass-tray", "in tray by-pass-tray")):
                error = await error_of(partial(device.print, replace(job, tray=tray)))
                assert isinstance(error, DeviceFault)
                assert word in error.detail
        assert hands.copies(job) == 1

    async def test_size_that_is_none_is_a_mistake_of_the_caller(self, device: IppPrinter, hands: SheetHands) -> None:
        async with opened(device):
            with pytest.raises(ValueError, match="iso_a4_210x297mm"):
                await device.print(replace(hands.new_job(), media="A4"))

    async def test_printer_of_one_side_refuses_both_and_one_of_both_counts_its_sheets(
        self, device: IppPrinter, tmp_path: Path, build_dir: Path
    ) -> None:
        three = PrintJob("three", pdf("three", 3), sides=Sides.BOTH)
        async with opened(device):
            assert "both sides" in (await error_of(lambda: device.print(three))).detail
        assert "both sides" in (await error_of(IppPrinter("a4", device.info().address, sides=Sides.BOTH).open)).detail
        duplex = IppMachine(tmp_path / "paper2", tmp_path / "machine2", build_dir, duplex=True)
        await duplex.start()
        try:
            printer, heard = IppPrinter("a4", duplex.uri), list[PrintProgress]()
            async with opened(printer):
                receipt = await printer.print(three, heard.append)
                assert (receipt.sheets, heard[-1].sheets) == (2, 2)
                assert await printer.outcome(receipt.job) is PrintOutcome.PRINTED
                duplex.lose(1)
                error = await error_of(lambda: printer.print(replace(three, title="again")))
                assert "1 of 2" in error.detail
        finally:
            await duplex.stop()

    async def test_supplies_are_named_with_what_is_left(self, device: IppPrinter, machine: IppMachine) -> None:
        async with opened(device):
            await machine.toner(5)
            told = {each.name: each for each in await device.supplies()}
        assert told["Black Toner"] == Supply(SupplyKind.TONER, "Black Toner", 0.05, SupplyState.LOW)
        assert told["Toner Waste Tank"] == Supply(SupplyKind.WASTE, "Toner Waste Tank", 0.75, SupplyState.GOOD)
        assert told["main"] == Supply(SupplyKind.PAPER, "main", 1.0, SupplyState.GOOD)
        assert told["by-pass-tray"].state is SupplyState.UNKNOWN


class TestEncrypted:
    async def test_printer_with_its_own_certificate_is_known_by_it_and_by_no_other(
        self, machine: IppMachine, hands: SheetHands
    ) -> None:
        uri, job = machine.uri.replace("ipp://", "ipps://"), hands.new_job()
        found = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", int(uri.split(":")[2].split("/")[0])))
        pin = hashlib.sha256(ssl.PEM_cert_to_DER_cert(found)).hexdigest()
        async with opened(printer := IppPrinter("a4", uri, certificate_sha256=pin)):
            await printer.print(job)
        assert hands.copies(job) == 1
        for other in ("00" * 32, ""):
            error = await error_of(IppPrinter("a4", uri, certificate_sha256=other).open)
            assert isinstance(error, DeviceUnavailable)
        assert "certificate" in (await error_of(IppPrinter("a4", uri, certificate_sha256="00" * 32).open)).detail

    async def test_pin_without_encryption_is_a_mistake_in_the_settings(self, machine: IppMachine) -> None:
        with pytest.raises(ValueError, match="ipps"):
            await IppPrinter("a4", machine.uri, certificate_sha256="00" * 32).open()

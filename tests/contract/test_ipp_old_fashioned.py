"""The IPP driver with a printer that knows no Create-Job: the real ``ippeveprinter``, taken at less than its word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devices.sim.ipp_machine import IppMachine
from devices.testing.printer import PrintingPoints
from devices.testing.printer_faults import PrinterFaultPoints
from tests.sheet_printers import OldFashioned, SheetHands

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
def device(machine: IppMachine) -> OldFashioned:
    return OldFashioned("a4", machine.uri)


class TestIppPrinterWithoutCreateJob(PrintingPoints, PrinterFaultPoints):
    """There a job's number is learnt late, and its title must do."""

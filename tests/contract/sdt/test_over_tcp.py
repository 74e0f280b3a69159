"""The SDT driver against the contract of a reader, behind a serial-device server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devices.sim.sdt_reader import SdtReaderMachine
from devices.sim.socket_line import TcpLine
from devices.testing.id_reader import IdReaderContract

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


class TestOverDeviceServer(IdReaderContract):
    """Over TCP, as a serial-device server offers its line."""

    @pytest.fixture
    async def machine(self, tmp_path: Path) -> AsyncIterator[SdtReaderMachine]:
        machine = SdtReaderMachine(tmp_path, line=TcpLine)
        await machine.start()
        yield machine
        await machine.stop()

"""A private PC/SC service for the tests that want one: ``pytest_plugins = ["tests.pcsc"]`` in a test module.

Every worker has one for all its tests, with two card slots, in a network of its own. ``left_slot`` and ``right_slot``
are empty at the beginning and at the end of each test.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

import pytest

from devices.sim.ippeve.build import ToolMissingError
from devices.sim.vpcd.service import READER_NAMES, VpcdService
from devices.sim.vpcd_card import VpcdSlot

if TYPE_CHECKING:
    from collections.abc import Iterator

LEFT, RIGHT = READER_NAMES


@pytest.fixture(scope="session")
def running_pcscd() -> Iterator[VpcdService]:
    """Run the service for the whole session; skip where there is none, or where no network of its own is granted."""
    # The C library remembers for good which service it has spoken with first.
    assert "smartcard" not in sys.modules or "PCSCLITE_CSOCK_NAME" in os.environ, "smartcard was imported too early"
    try:
        service = VpcdService()
    except ToolMissingError as error:
        pytest.skip(str(error))
    try:
        service.start()
    except (RuntimeError, subprocess.SubprocessError) as error:
        service.close()
        pytest.skip(str(error))
    os.environ["PCSCLITE_CSOCK_NAME"] = str(service.socket_path)
    yield service
    service.close()


@pytest.fixture
def pcscd(running_pcscd: VpcdService) -> Iterator[VpcdService]:
    """Lend the running service; what a test has broken is mended afterwards."""
    yield running_pcscd
    running_pcscd.thaw()
    running_pcscd.plug_reader()
    for slot in range(len(READER_NAMES)):
        running_pcscd.mute_chip(slot, on=False)
    running_pcscd.start()


@pytest.fixture
def left_slot(pcscd: VpcdService) -> Iterator[VpcdSlot]:
    """Return the slot of the reader ``LEFT``."""
    slot = VpcdSlot(partial(pcscd.connect, 0), name="vpcd-left")
    yield slot
    slot.remove()


@pytest.fixture
def right_slot(pcscd: VpcdService) -> Iterator[VpcdSlot]:
    """Return the slot of the reader ``RIGHT``."""
    slot = VpcdSlot(partial(pcscd.connect, 1), name="vpcd-right")
    yield slot
    slot.remove()

"""A private PC/SC service for the tests that want one.

A test module says ``pytest_plugins = ["tests.pcsc"]``, and must then not import this module as well.
Every worker has one for all its tests, with two card slots, in a network of its own. ``left_slot`` and ``right_slot``
are empty at the beginning and at the end of each test.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from smartcard.scard import scard

from devices.sim.ippeve.build import ToolMissingError
from devices.sim.vpcd.service import READER_NAMES, SOCKET, VpcdService
from devices.sim.vpcd_card import VpcdSlot

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE_S = 15.0


FOLDER = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Name the service's socket before any test runs.

    The C library looks once, when the process first speaks with a service: a test that did so earlier would tie all
    others to the machine's own.
    """
    config.stash[FOLDER] = Path(tempfile.mkdtemp(prefix="tongban-pcscd-"))  # short, as a socket's path has to be
    os.environ["PCSCLITE_CSOCK_NAME"] = str(config.stash[FOLDER] / SOCKET)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind."""
    os.environ.pop("PCSCLITE_CSOCK_NAME", None)
    shutil.rmtree(config.stash[FOLDER], ignore_errors=True)


@pytest.fixture(scope="session")
def running_pcscd(pytestconfig: pytest.Config) -> Iterator[VpcdService]:
    """Run the service for the whole session; skip where there is none, or where no network of its own is granted."""
    try:
        service = VpcdService(pytestconfig.stash[FOLDER])
    except ToolMissingError as error:
        pytest.skip(str(error))
    try:
        service.start()
    except (RuntimeError, subprocess.SubprocessError) as error:
        service.close()
        pytest.skip(str(error))
    yield service
    service.close()


@pytest.fixture
def pcscd(running_pcscd: VpcdService) -> Iterator[VpcdService]:
    """Lend the running service with empty slots; what a test has broken is mended afterwards."""
    _until_empty()
    yield running_pcscd
    running_pcscd.thaw()
    running_pcscd.plug_reader()
    for slot in range(len(READER_NAMES)):
        running_pcscd.mute_chip(slot, on=False)
    running_pcscd.start()


@pytest.fixture(scope="session")
def card_slots(running_pcscd: VpcdService) -> tuple[VpcdSlot, VpcdSlot]:
    """Make the two slots of the whole session: each remembers how long it has been empty."""
    return tuple(
        VpcdSlot(partial(running_pcscd.connect, slot), name=f"vpcd-{slot}") for slot in range(len(READER_NAMES))
    )


@pytest.fixture
def left_slot(pcscd: VpcdService, card_slots: tuple[VpcdSlot, VpcdSlot]) -> Iterator[VpcdSlot]:
    """Return the slot of the reader ``READER_NAMES[0]``."""
    yield card_slots[0]
    card_slots[0].remove()
    card_slots[0].mend()


@pytest.fixture
def right_slot(pcscd: VpcdService, card_slots: tuple[VpcdSlot, VpcdSlot]) -> Iterator[VpcdSlot]:
    """Return the slot of the reader ``READER_NAMES[1]``."""
    yield card_slots[1]
    card_slots[1].remove()
    card_slots[1].mend()


def _until_empty() -> None:
    """Wait until the service has noticed that the last test's cards are gone: it looks every 0.4 s."""
    code, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    assert code == scard.SCARD_S_SUCCESS
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        _, states = scard.SCardGetStatusChange(context, 0, [(name, 0) for name in READER_NAMES])
        if all(state & scard.SCARD_STATE_EMPTY for _, state, _ in states):
            break
        time.sleep(0.02)
    else:
        pytest.fail("the card readers do not become empty")
    scard.SCardReleaseContext(context)

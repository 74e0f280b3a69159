"""USB bulk pipes: pyusb and the wire above it are the real thing, the bus below is scripted."""

from __future__ import annotations

import threading
import time

import pytest
import usb.core

from devices.errors import DeviceCode, DeviceTimeout, DeviceUnavailable
from devices.transport import usb as wires
from devices.transport.scripted_usb import ScriptedUsb, UsbGadget
from devices.transport.usb import SplitPipes, UsbAddress, UsbWire

ADDRESS = UsbAddress(0x0400, 0xC35A)
SPLIT = SplitPipes(2, lambda head: head[1])


class Machine:
    """A device and what it heard."""

    def __init__(self, **facts: object) -> None:
        self.heard = bytearray()
        self.gadget = UsbGadget(0x0400, 0xC35A, **{"serial": "SAM-1", **facts})  # type: ignore[arg-type]  # test data
        self.bus = ScriptedUsb(self.gadget, self.heard.extend)

    def wire(self, address: UsbAddress = ADDRESS, split: SplitPipes | None = None) -> UsbWire:
        return UsbWire(address, split=split, backend=self.bus)


def refusal(wire: UsbWire) -> DeviceUnavailable:
    with pytest.raises(DeviceUnavailable) as caught:
        wire.open()
    return caught.value


def test_kernel_gets_back_what_was_its() -> None:
    machine = Machine()
    wire = machine.wire()
    wire.open()
    wire.open()
    assert (machine.gadget.claimed, machine.gadget.kernel_driver, machine.gadget.opened) == (True, False, 1)
    wire.close()
    wire.close()
    assert (machine.gadget.claimed, machine.gadget.kernel_driver, machine.gadget.opened) == (False, True, 0)


def test_kernel_gets_nothing_that_was_not_its() -> None:
    machine = Machine(kernel_driver=False)
    wire = machine.wire()
    wire.open()
    wire.close()
    assert not machine.gadget.kernel_driver


def test_device_fresh_on_the_bus_is_configured_and_another_is_not_reset() -> None:
    for before in (0, 1):
        machine = Machine(configured=before)
        wire = machine.wire()
        wire.open()
        assert machine.gadget.configured == 1
        wire.close()


def test_device_with_the_serial_number_is_taken_and_no_other() -> None:
    machine = Machine()
    wire = machine.wire(UsbAddress(0x0400, 0xC35A, "SAM-1"))
    wire.open()
    wire.close()
    assert "not there" in refusal(machine.wire(UsbAddress(0x0400, 0xC35A, "SAM-2"))).detail
    assert machine.gadget.opened == 0
    nameless = Machine(serial="")
    assert "not there" in refusal(nameless.wire(UsbAddress(0x0400, 0xC35A, "SAM-1"))).detail


def test_what_stands_against_opening_is_named_and_nothing_stays_open() -> None:
    for facts, code, said in (
        ({"plugged": False}, DeviceCode.ABSENT, "not there"),
        ({"busy": True}, DeviceCode.BUSY, "busy"),
        ({"forbidden": True}, DeviceCode.ABSENT, "udev rule"),
        ({"pipes": (0x81,)}, DeviceCode.ABSENT, "1 bulk pipes in and 0 out"),
    ):
        machine = Machine(**facts)
        error = refusal(machine.wire())
        assert error.code is code
        assert said in error.detail
        assert machine.gadget.opened == 0
        assert machine.gadget.kernel_driver


def test_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(**_: object) -> None:
        raise usb.core.NoBackendError("No backend available")

    monkeypatch.setattr(usb.core, "find", find)
    assert "libusb" in refusal(UsbWire(ADDRESS)).detail


@pytest.mark.parametrize("size", [1, 63, 64, 65, 128, 1295, 4096, 5000])
def test_packets_are_no_frames(size: int) -> None:
    machine, sent = Machine(), bytes(number % 251 for number in range(size))
    wire = machine.wire()
    wire.open()
    wire.write(sent)
    assert bytes(machine.heard) == sent
    machine.bus.give(sent)
    got = b""
    while len(got) < size:
        got += wire.read()
    assert got == sent
    assert wire.read() == b""
    wire.close()


def test_cable_pulled_frees_a_reader_at_once() -> None:
    machine = Machine()
    wire = machine.wire()
    wire.open()
    puller = threading.Thread(target=machine.bus.unplug)
    puller.start()
    with pytest.raises(DeviceUnavailable, match="gone"):
        list(iter(wire.read, b"never"))
    puller.join()
    for call in (wire.read, wire.discard_input, lambda: wire.write(b"1")):
        with pytest.raises(DeviceUnavailable, match="gone"):
            call()
    wire.close()
    assert machine.gadget.opened == 0
    machine.bus.plug()
    wire.open()
    wire.write(b"again")
    assert machine.heard.endswith(b"again")
    wire.close()


def test_machine_that_takes_no_bytes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wires, "WRITE_TIMEOUT_S", 0.02)
    machine = Machine(stuck=True)
    wire = machine.wire()
    wire.open()
    with pytest.raises(DeviceTimeout):
        wire.write(b"1")
    wire.close()


def test_closed_wire_says_so() -> None:
    wire = Machine().wire()
    for call in (wire.read, wire.discard_input, lambda: wire.write(b"1")):
        with pytest.raises(DeviceUnavailable) as caught:
            call()
        assert caught.value.code is DeviceCode.CLOSED


def test_what_was_not_read_is_forgotten_even_from_one_who_never_stops() -> None:
    machine = Machine()
    wire = machine.wire()
    wire.open()
    machine.bus.give(bytes(10_000))
    wire.discard_input()
    assert wire.read() == b""
    wire.close()


def test_head_and_body_come_in_their_order_whichever_arrives_first() -> None:
    machine = Machine(pipes=(0x02, 0x81, 0x06, 0x85))
    wire = machine.wire(split=SPLIT)
    wire.open()
    wire.write(b"H\x04body")
    assert bytes(machine.heard) == b"H\x04body"
    machine.bus.give(b"body", pipe=1)
    machine.bus.give(b"H\x04")
    machine.bus.give(b"H\x01")
    machine.bus.give(b"x", pipe=1)
    got = b""
    while len(got) < 9:
        got += wire.read()
    assert got == b"H\x04bodyH\x01x"
    wire.close()


def test_split_wire_finds_its_place_again_after_a_frame_that_never_ended() -> None:
    machine = Machine(pipes=(0x02, 0x81, 0x06, 0x85))
    wire = machine.wire(split=SPLIT)
    wire.open()
    machine.bus.give(b"H\x09")
    machine.bus.give(b"broken", pipe=1)
    assert wire.read() == b"H\x09"
    wire.discard_input()
    machine.bus.give(b"H\x01")
    machine.bus.give(b"x", pipe=1)
    assert wire.read() + wire.read() == b"H\x01x"
    wire.close()


def test_split_wire_needs_four_pipes() -> None:
    assert "bulk pipes" in refusal(Machine().wire(split=SPLIT)).detail


def test_idle_read_ends_with_its_slice() -> None:
    wire = Machine().wire()
    wire.open()
    begin = time.monotonic()
    assert wire.read() == b""
    assert time.monotonic() - begin >= 0.04
    wire.close()


@pytest.mark.parametrize("text", ["", "0400", "400:C35A", "0400:C35A:", "0400:XXXX", "0400:C35A/1"])
def test_address_that_cannot_be_one_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="USB address"):
        UsbAddress.parse(text)


def test_address_is_read_as_it_is_written() -> None:
    assert str(UsbAddress.parse("0400:c35a:AB:1")) == "usb:0400:C35A:AB:1"

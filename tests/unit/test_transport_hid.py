"""HID reports through device files: found by their numbers, opened for us alone, and a keyboard's silenced."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import socket
import tty
from typing import TYPE_CHECKING

import pytest

from devices.errors import DeviceCode, DeviceTimeout, DeviceUnavailable
from devices.transport.hid import BAR_CODE_SCANNER, HidWire
from devices.transport.hid_keyboard import EVIOCGRAB, HidKeyboardWire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def sysfs(tmp_path: Path) -> Path:
    """Build what the kernel says of four interfaces of three devices."""
    for name, numbers, unique, place in (
        ("hidraw0", "0003:00002B8B:00002721", "R-2", "usb-1/input0"),
        ("hidraw1", "0003:00002B8B:00002721", "R-1", "usb-2/input0"),
        ("hidraw2", "0003:0000046D:0000C31C", "", "usb-3/input1"),
        ("hidraw10", "0003:0000046D:0000C31C", "", "usb-3/input0"),
    ):
        node = tmp_path / "sys" / name / "device"
        node.mkdir(parents=True)
        text = f"DRIVER=hid-generic\nHID_ID={numbers}\nHID_NAME=X\nHID_PHYS={place}\nHID_UNIQ={unique}\nMODALIAS\n"
        (node / "uevent").write_text(text, encoding="ascii")
    (tmp_path / "sys" / "hidraw11").mkdir()  # going away just now
    (tmp_path / "dev" / "input").mkdir(parents=True)
    return tmp_path / "sys"


class Device:
    """The far end of a device file."""

    def __init__(self, path: Path) -> None:
        self.door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.door.bind(str(path))
        self.door.listen()
        self.host: socket.socket | None = None

    def end(self) -> socket.socket:
        if self.host is None:
            self.host, _ = self.door.accept()
        return self.host

    def close(self) -> None:
        if self.host is not None:
            self.host.close()
        self.door.close()


@pytest.fixture
def device(sysfs: Path) -> Iterator[Device]:
    device = Device(sysfs.parent / "dev" / "hidraw1")
    yield device
    device.close()


def wire_to(sysfs: Path, address: str = "2B8B:2721:R-1", **options: int) -> HidWire:
    return HidWire(address, sysfs=sysfs, device_files=sysfs.parent / "dev", **options)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("2b8b:2721", "hidraw0"),
        ("2B8B:2721:R-1", "hidraw1"),
        ("046D:C31C", "hidraw10"),
        ("046D:C31C/1", "hidraw2"),
        ("2B8B:2721:R-2/0", "hidraw0"),
    ],
)
def test_device_is_found_by_its_numbers(sysfs: Path, address: str, name: str) -> None:
    assert wire_to(sysfs, address).path().name == name


@pytest.mark.parametrize("address", ["2B8B:0000", "2B8B:2721:R-3", "046D:C31C/2"])
def test_device_that_is_not_there_is_unavailable(sysfs: Path, address: str) -> None:
    with pytest.raises(DeviceUnavailable, match=address):
        wire_to(sysfs, address).open()


@pytest.mark.parametrize("address", ["", "hidraw0", "2B8B", "2B8B:2721/x"])
def test_address_that_cannot_be_one_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="HID address"):
        HidWire(address)


def test_interface_that_is_something_else_is_refused_and_says_why(sysfs: Path, device: Device) -> None:
    """A scanner in its keyboard mode would type codes into the screen, and never send one here."""
    wire = HidWire("2B8B:2721:R-1", kind=BAR_CODE_SCANNER, sysfs=sysfs, device_files=sysfs.parent / "dev")
    says = sysfs / "hidraw1" / "device" / "report_descriptor"
    says.write_bytes(bytes.fromhex("05010906A101C0"))
    with pytest.raises(DeviceUnavailable, match="HID POS scanner"):
        wire.open()
    says.write_bytes(bytes.fromhex("058C0902A101C0"))
    wire.open()
    wire.close()


def test_request_goes_in_reports_filled_up_with_zeros(sysfs: Path, device: Device) -> None:
    wire = wire_to(sysfs, report_size=4)
    wire.open()
    wire.write(b"abcdef")
    assert [device.end().recv(99) for _ in range(2)] == [b"\0abcd", b"\0ef\0\0"]
    wire.close()


def test_reports_are_read_one_by_one_and_only_ours(sysfs: Path, device: Device) -> None:
    wire = wire_to(sysfs, report_size=4, report_id=2)
    wire.open()
    wire.write(b"a")
    assert device.end().recv(99) == b"\x02a\0\0\0"
    for report in (b"\x02abcd", b"\x03nope", b"\x02efgh"):
        device.end().send(report)
    assert [wire.read() for _ in range(4)] == [b"abcd", b"", b"efgh", b""]
    wire.close()


def test_what_was_not_read_is_forgotten(sysfs: Path, device: Device) -> None:
    wire = wire_to(sysfs)
    wire.open()
    for _ in range(70):  # more than the kernel keeps
        device.end().send(bytes(64))
    wire.discard_input()
    assert wire.read() == b""
    wire.close()


def test_device_that_hangs_up_is_gone(sysfs: Path, device: Device) -> None:
    wire = wire_to(sysfs)
    wire.open()
    device.end()
    device.close()
    for call in (wire.read, wire.discard_input, lambda: wire.write(b"1")):
        with pytest.raises(DeviceUnavailable, match="gone"):
            call()
    wire.close()
    with pytest.raises(DeviceUnavailable) as caught:
        wire.read()
    assert caught.value.code is DeviceCode.CLOSED
    with pytest.raises(DeviceUnavailable, match="cannot open"):
        wire.open()


def test_device_that_takes_no_reports_is_given_up(sysfs: Path, device: Device) -> None:
    wire = wire_to(sysfs)
    wire.open()
    with pytest.raises(DeviceTimeout):
        wire.write(bytes(64 * 100_000))
    wire.close()


def test_device_file_is_opened_for_us_alone() -> None:
    near, far = os.openpty()  # a character device, as the real one is
    tty.setraw(far)
    first, second = HidWire(os.ttyname(far), report_size=8), HidWire(os.ttyname(far), report_size=8)
    first.open()
    first.open()
    with pytest.raises(DeviceUnavailable) as caught:
        second.open()
    assert caught.value.code is DeviceCode.BUSY
    first.write(b"1")
    assert os.read(near, 99) == b"\0" + b"1".ljust(8, b"\0")
    os.write(near, b"8 bytes!")
    select.select([first.fileno()], [], [], 1)
    assert first.read() == b"8 bytes!"
    first.close()
    second.open()
    second.close()
    os.close(near)
    os.close(far)


class Grabs:
    """Stands in for the kernel's answer to EVIOCGRAB: no container has input devices."""

    def __init__(self, refuse: int = 0) -> None:
        self.files: list[int] = []
        self.refuse = refuse

    def __call__(self, file: int, request: int, argument: int) -> None:
        assert (request, argument) == (EVIOCGRAB, 1)
        if self.refuse:
            raise OSError(self.refuse, os.strerror(self.refuse))
        self.files.append(file)


def keyboard(sysfs: Path, *events: str) -> HidKeyboardWire:
    for event in events:
        (sysfs / "hidraw1" / "device" / "input" / "input7" / event).mkdir(parents=True)
        (sysfs.parent / "dev" / "input" / event).touch()
    return HidKeyboardWire("2B8B:2721:R-1", report_size=8, sysfs=sysfs, device_files=sysfs.parent / "dev")


def test_keyboard_types_for_us_alone(sysfs: Path, device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    grabs = Grabs()
    monkeypatch.setattr(fcntl, "ioctl", grabs)
    wire = keyboard(sysfs, "event3", "event4")
    wire.open()
    wire.open()
    assert len(grabs.files) == 2
    device.end().send(bytes(8))
    assert wire.read() == bytes(8)
    wire.close()
    for file in grabs.files:
        with pytest.raises(OSError, match="Bad file"):
            os.fstat(file)


@pytest.mark.parametrize(
    ("refuse", "code"), [(errno.EBUSY, DeviceCode.BUSY), (errno.EACCES, DeviceCode.ABSENT)], ids=["busy", "forbidden"]
)
def test_keyboard_that_also_types_into_the_screen_is_refused(
    sysfs: Path, device: Device, monkeypatch: pytest.MonkeyPatch, refuse: int, code: DeviceCode
) -> None:
    monkeypatch.setattr(fcntl, "ioctl", Grabs(refuse))
    wire = keyboard(sysfs, "event3")
    with pytest.raises(DeviceUnavailable, match="screen") as caught:
        wire.open()
    assert caught.value.code is code
    with pytest.raises(DeviceUnavailable, match="closed"):
        wire.read()


def test_keyboard_without_an_input_device_needs_no_grab(sysfs: Path, device: Device) -> None:
    wire = keyboard(sysfs)
    wire.open()
    wire.close()

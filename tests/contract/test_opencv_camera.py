"""The OpenCV driver against the contract of a camera: over a real MJPEG stream, and with a film."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from devices import registry
from devices.drivers.opencv_camera import OpencvCamera
from devices.errors import DeviceCode, DeviceFault, DeviceUnavailable
from devices.hosted.confine import Limits
from devices.sim.camera_machine import CameraMachine
from devices.testing.camera import CameraContract, watching
from devices.testing.device import error_of, opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from devices.device import Device
    from devices.values import Frame

FILM_FRAMES = 12
FILM_RATE = 25.0


class StreamHands:
    """The contract's hands on the simulated machine."""

    def __init__(self, machine: CameraMachine) -> None:
        self.machine = machine
        self.unplug, self.plug = machine.unplug, machine.plug

    async def mute(self) -> None:
        self.machine.mute()

    async def unmute(self) -> None:
        self.machine.mute(False)

    async def freeze(self, on: bool = True) -> None:
        self.machine.freeze(on)

    async def cover(self, on: bool = True) -> None:
        self.machine.black(on)

    async def dazzle(self, on: bool = True) -> None:
        self.machine.white(on)


class FilmHands:
    """A film can be taken away before it is opened; it cannot fall silent."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.away = path.with_suffix(".away")

    async def unplug(self) -> None:
        self.path.rename(self.away)

    async def plug(self) -> None:
        self.away.rename(self.path)

    async def mute(self) -> None:
        pytest.skip("a film does not fall silent")

    async def unmute(self) -> None:
        """Nothing: it was never muted."""

    async def freeze(self, on: bool = True) -> None:
        pytest.skip("a film cannot be stopped, nor covered")

    cover = dazzle = freeze


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[CameraMachine]:
    """Start a camera in an empty room: no portrait is needed."""
    machine = CameraMachine(tmp_path)
    await machine.start()
    yield machine
    await machine.stop()


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Write a film of pictures that grow brighter; its left half is always black."""
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FILM_RATE, (64, 48))
    for index in range(FILM_FRAMES):
        picture = np.zeros((48, 64, 3), np.uint8)
        picture[:, 32:] = 20 * index
        writer.write(picture)
    writer.release()
    return path


class TestStream(CameraContract):
    @pytest.fixture
    def hands(self, machine: CameraMachine) -> StreamHands:
        return StreamHands(machine)

    @pytest.fixture
    def device(self, machine: CameraMachine) -> OpencvCamera:
        return OpencvCamera("camera", machine.url)


class TestHostedStream(TestStream):
    """The same in a process of its own: a megabyte a picture, and nothing else waits for it."""

    reopenings = 4

    @pytest.fixture
    async def device(self, machine: CameraMachine) -> AsyncIterator[Device]:
        device = registry.create_hosted("opencv", "camera", {"source": machine.url}, Limits())
        yield device
        await device.close()


class TestFilm(CameraContract):
    @pytest.fixture
    def hands(self, film: Path) -> FilmHands:
        return FilmHands(film)

    @pytest.fixture
    def device(self, film: Path) -> OpencvCamera:
        return OpencvCamera("camera", str(film))


def right_edge(frame: Frame) -> int:
    return frame.rgb[3 * (frame.width - 1)]


async def test_film_begins_again_at_its_end(film: Path) -> None:
    device = OpencvCamera("camera", str(film))
    async with watching(device):
        seen = [right_edge(await device.frame()) for _ in range(FILM_FRAMES + 4)]
    restarts = sum(after < before for before, after in itertools.pairwise(seen))
    assert restarts >= 1


async def test_mirrored_picture_shows_the_left_side_on_the_right(film: Path) -> None:
    async with watching(device := OpencvCamera("camera", str(film), mirror=True)):
        assert {right_edge(await device.frame()) for _ in range(4)} <= {0, 1, 2}


async def test_large_pictures_are_scaled_to_what_was_asked_for(machine: CameraMachine) -> None:
    async with watching(device := OpencvCamera("camera", machine.url, 320, 320)):
        frame = await device.frame()
    assert (frame.width, frame.height) == (320, 240)


async def test_file_that_is_no_film_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "notes.avi"
    path.write_text("no film")
    device = OpencvCamera("camera", str(path))
    async with opened(device):
        assert isinstance(await error_of(device.start), DeviceUnavailable)


async def test_address_that_serves_no_pictures_is_unavailable(machine: CameraMachine) -> None:
    device = OpencvCamera("camera", machine.url + ".html")
    async with opened(device):
        assert isinstance(await error_of(device.start), DeviceUnavailable)


async def test_absent_device_is_unavailable_before_any_resident_comes() -> None:
    error = await error_of(OpencvCamera("camera", "97").open)
    assert isinstance(error, DeviceUnavailable)
    assert error.code is DeviceCode.ABSENT


async def test_virtual_camera_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program's pictures instead of a sensor's: the way to show a terminal a film of somebody else."""
    monkeypatch.setattr("os.path.realpath", lambda *_, **__: "/sys/devices/virtual/video4linux/video0")
    assert isinstance(await error_of(OpencvCamera("camera", 0).open), DeviceFault)


async def test_password_of_an_address_is_not_on_the_name_plate() -> None:
    plate = OpencvCamera("camera", "http://user:secret@127.0.0.1:81/v.mjpg?key=secret").info()
    assert plate.address == "http://127.0.0.1:81/v.mjpg"


async def test_camera_muted_from_the_start_is_a_fault_not_an_endless_wait(machine: CameraMachine) -> None:
    machine.mute()
    async with watching(device := OpencvCamera("camera", machine.url)):
        assert (await error_of(device.frame)).code is DeviceCode.NO_FRAMES


async def test_broken_stream_writes_nothing_to_standard_error(
    machine: CameraMachine, capfd: pytest.CaptureFixture[str]
) -> None:
    async with watching(device := OpencvCamera("camera", machine.url)):
        await device.frame()
        await machine.unplug()
        await error_of(lambda: _all(device))
    assert capfd.readouterr().err == ""


async def test_thread_bears_the_name_of_the_device(machine: CameraMachine) -> None:
    async with watching(OpencvCamera("door", machine.url)):
        assert "dev-door" in {thread.name for thread in threading.enumerate()}


async def _all(device: OpencvCamera) -> None:
    while True:
        await device.frame()

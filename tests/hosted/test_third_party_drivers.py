"""Drivers of packages from elsewhere: found when installed, refused in words when wrong, never a crash of ours."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from devices import registry
from devices.errors import DeviceUnavailable
from devices.health import READY
from devices.hosted.confine import Limits
from devices.hosted.process import NotMade
from devices.printer import Printer
from devices.values import PrintJob, Slip
from kiosk import settings
from kiosk.device_maker import make_device
from kiosk.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

ISOLATIONS = ["thread", "process"]


def made(isolation: str, driver: str, name: str = "receipt_printer", **options: object) -> Printer:
    table = {"driver": driver, "isolation": isolation, **options}
    wanted = settings.load("lab", overlays=[("test", {"devices": {name: table}})]).devices[name]
    device = make_device(name, wanted)
    assert isinstance(device, Printer)
    return device


@pytest.mark.parametrize("isolation", ISOLATIONS)
async def test_installed_package_adds_a_driver_without_a_line_here(acme: Path, isolation: str) -> None:
    device = made(isolation, "acme-slips", width_mm=58)
    assert device.info().model == "ACME 58 mm"
    await device.open()
    try:
        assert await device.probe() == READY
        assert (await device.print(PrintJob("a", Slip(())))).job == "a"
    finally:
        await device.close()


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize(
    ("driver", "role", "words"),
    [
        ("acme-missing-library", "id_reader", ["cannot be loaded", "acme_sdk_of_the_vendor"]),
        ("acme-quits", "id_reader", ["cannot be loaded", "SystemExit", "no licence"]),
        ("acme-slips", "id_reader", ["SlipPrinter is no IdReader"]),
        ("acme-no-class", "receipt_printer", ["is no class"]),
        ("acme-unfinished", "id_reader", ["Unfinished lacks", "read", "wait_card"]),
        ("acme-refuses", "receipt_printer", ["cannot be made", "LookupError", "no licence for"]),
        ("acme-unheard-of", "receipt_printer", ["unknown driver", "acme-slips", "escpos"]),
    ],
)
def test_wrong_package_is_a_settings_error_that_says_what_is_wrong(
    acme: Path, isolation: str, driver: str, role: str, words: list[str]
) -> None:
    with pytest.raises(ValueError, match="acme") as caught:
        made(isolation, driver, role)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_wrong_options_are_named_whether_the_driver_is_ours_to_load_or_not(acme: Path, isolation: str) -> None:
    with pytest.raises(ValueError, match="receipt_printer") as caught:
        made(isolation, "acme-slips", width_mm="58", colour=True)
    assert "'width_mm' must be int, not str" in str(caught.value)
    assert "unknown option 'colour' (known: width_mm)" in str(caught.value)


def test_package_that_crashes_whoever_loads_it_crashes_a_process_of_its_own(acme: Path) -> None:
    with pytest.raises(ValueError, match="SIGSEGV") as caught:
        made("process", "acme-crashes", "id_reader")
    assert "id_reader: driver 'acme-crashes'" in str(caught.value)


def test_package_that_takes_for_ever_to_load_is_given_up(acme: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devices.hosted.process.MADE_LIMIT_S", 0.5)
    with pytest.raises(NotMade, match="not loaded within"):
        registry.create_hosted("acme-nasty", "receipt_printer", {"at_load_s": 60.0}, Limits())


def test_package_that_greets_without_end_does_not_hold_up_the_start(
    acme: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is for the whole greeting: it used to begin anew with every byte."""
    monkeypatch.setattr("devices.hosted.process.MADE_LIMIT_S", 3.0)
    with pytest.raises(NotMade, match="not loaded within"):
        registry.create_hosted("acme-dribbles", "id_reader", {}, Limits())


def test_option_no_file_can_say_is_refused_and_not_sent(acme: Path) -> None:
    with pytest.raises(NotMade, match="acme-slips"):
        registry.create_hosted("acme-slips", "receipt_printer", {"width_mm": object()}, Limits())


def test_second_package_with_a_name_that_is_taken_is_named(
    acme: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [found] = acme.glob("*.dist-info")
    other = tmp_path / "other-2.0.dist-info"
    shutil.copytree(found, other)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 2.0\n")
    (other / "entry_points.txt").write_text("[tongban.drivers]\nacme-slips = other.slips:Printer\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ValueError, match=r"'acme-slips' is claimed twice.*other\.slips|other\.slips.*claimed twice"):
        registry.create("acme-slips", "receipt_printer", {})


def test_hosted_driver_is_never_loaded_into_our_process(acme: Path) -> None:
    made("process", "acme-slips")
    assert "acme_kiosk" not in sys.modules


def test_password_among_the_options_stands_on_no_command_line(acme: Path, tmp_path: Path) -> None:
    """Everybody on the machine can read /proc/PID/cmdline."""
    seen = subprocess.Popen.__init__
    lines: list[str] = []

    def record(self: object, args: list[str], **rest: object) -> None:
        lines.append(" ".join(args) + str(rest.get("env")))
        seen(self, args, **rest)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess.Popen, "__init__", record)
        with pytest.raises(NotMade):
            registry.create_hosted("acme-refuses", "receipt_printer", {"port": "http://u:secret@host/"}, Limits())
    assert lines
    assert not any("secret" in line for line in lines)


async def test_device_taken_away_between_start_and_opening_is_unavailable(
    acme: Path, installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An update removed the package while the terminal ran."""
    device = registry.create_hosted("acme-slips", "receipt_printer", {}, Limits())
    monkeypatch.setattr("sys.path", [entry for entry in sys.path if entry != str(installed)])
    with pytest.raises(DeviceUnavailable, match="acme-slips"):
        await device.open()
    await device.close()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"isolation": "container"}, "devices.camera.isolation: 'container' is unknown; known are thread, process"),
        ({"process": {"nice": -5}}, "devices.camera.process.nice: needs 0 to 19"),
        ({"process": {"memory_mb": -1}}, "devices.camera.process.memory_mb: must not be below 0"),
        ({"process": {"niece": 1}}, "devices.camera.process.niece: unknown key; known are memory_mb, nice"),
        ({"isolation": 1}, "devices.camera.isolation: 1 is unknown"),
    ],
)
def test_slip_in_the_isolation_is_a_settings_error(table: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings.load("lab", overlays=[("test", {"devices": {"camera": {"driver": "opencv", **table}}})])
    assert words in "\n".join(caught.value.problems)

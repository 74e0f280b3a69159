"""Drivers by name: a slip in the settings is named with everything that would be right."""

from __future__ import annotations

from importlib.metadata import EntryPoint, EntryPoints
from typing import TYPE_CHECKING

import pytest

from devices import registry
from devices.drivers.sdt_id_reader import SdtIdReader
from devices.photo_decoder import NoPhotoDecoder
from devices.sim.photo_block import SimPhotoDecoder

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def from_elsewhere(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    def add(name: str, value: str) -> None:
        point = EntryPoint(name=name, value=value, group=registry.ENTRY_POINT_GROUP)
        monkeypatch.setattr(registry, "entry_points", lambda group: EntryPoints([point]).select(group=group))

    return add


def test_reader_is_built_by_name_and_not_opened() -> None:
    reader = registry.create("sdt", "id_reader", {"port": "/dev/none", "baud": 9600, "lift_rule": False})
    assert isinstance(reader, SdtIdReader)
    assert reader.info().address == "/dev/none"


def test_unknown_driver_is_named_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match=r"'acme'.*escpos,.*ipp,.*opencv,.*sdt"):
        registry.create("acme", "id_reader", {})


def test_all_wrong_options_are_named_at_once() -> None:
    with pytest.raises(ValueError, match="id_reader") as caught:
        registry.create("sdt", "id_reader", {"boud": 9600, "baud": "9600", "lift_rule": 1})
    said = str(caught.value)
    for part in (
        "unknown option 'boud' (known: port, baud, lift_rule",
        "option 'port' is missing",
        "option 'baud' must be int, not str",
        "option 'lift_rule' must be bool, not int",
    ):
        assert part in said


def test_flag_is_no_number() -> None:
    with pytest.raises(ValueError, match="'baud' must be int, not bool"):
        registry.create("sdt", "id_reader", {"port": "x", "baud": True})


def test_slip_in_a_table_is_named_with_the_keys_that_are_right() -> None:
    with pytest.raises(ValueError, match="lights: driver 'modbus-lights'") as caught:
        registry.create("modbus-lights", "lights", {"port": "/dev/none", "lights": {"id_raeder": 0, "face": "1"}})
    said = str(caught.value)
    assert "option 'lights': unknown key 'id_raeder' (known: id_reader, card_reader," in said
    assert "option 'lights': 'face' must be int, not str" in said
    with pytest.raises(ValueError, match="option 'lights' must be a table, not int"):
        registry.create("modbus-lights", "lights", {"port": "/dev/none", "lights": 3})


def test_value_that_makes_no_sense_is_named_with_its_device() -> None:
    with pytest.raises(ValueError, match=r"lights: driver 'modbus-lights': .*coil 70000"):
        registry.create("modbus-lights", "lights", {"port": "/dev/none", "lights": {"face": 70000}})


def test_driver_of_another_package_needs_no_line_here(from_elsewhere: Callable[[str, str], None]) -> None:
    from_elsewhere("acme", "devices.drivers.sdt_id_reader:SdtIdReader")
    assert isinstance(registry.create("acme", "id_reader", {"port": "x"}), SdtIdReader)


def test_two_claims_on_one_name_are_refused(from_elsewhere: Callable[[str, str], None]) -> None:
    from_elsewhere("sdt", "acme.driver:Reader")
    with pytest.raises(ValueError, match=r"twice.*acme\.driver"):
        registry.create("sdt", "id_reader", {"port": "x"})


@pytest.mark.parametrize(
    "value", ["no_such_module_here:Reader", "devices.errors:NoSuchClass", "devices.errors:DeviceCode"]
)
def test_driver_that_cannot_be_loaded_is_a_settings_error(
    from_elsewhere: Callable[[str, str], None], value: str
) -> None:
    from_elsewhere("acme", value)
    with pytest.raises(ValueError, match="acme"):
        registry.create("acme", "id_reader", {})


def test_photo_decoders_by_name() -> None:
    assert isinstance(registry.create_photo_decoder("none"), NoPhotoDecoder)
    assert isinstance(registry.create_photo_decoder("sim-webp"), SimPhotoDecoder)
    with pytest.raises(ValueError, match="none, sim-webp"):
        registry.create_photo_decoder("wlt")

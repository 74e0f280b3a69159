"""Commands, answers, and what T=0 and T=1 make of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.chip import apdu
from devices.errors import DeviceProtocolError
from devices.sim.emv_chip import EmvChip
from devices.sim.vpcd_card import T0Manners, T1Manners

VECTORS = json.loads((Path(__file__).parent / "vectors/emv.json").read_text())
OK = b"\x90\x00"


class Scripted:
    """The far end: expects these commands and gives these answers."""

    def __init__(self, *dialogue: tuple[str, str]) -> None:
        self.dialogue = list(dialogue)

    def __call__(self, command: bytes) -> bytes:
        expected, answer = self.dialogue.pop(0)
        assert command.hex().upper() == expected.replace(" ", "")
        return bytes.fromhex(answer)


@pytest.mark.parametrize(
    ("built", "wanted"),
    [
        (apdu.command(0x00, 0x84, 0, 0, expected=8), "0084000008"),
        (apdu.command(0x00, 0x20, 0, 0x80, b"\x31\x32"), "00200080023132"),
        (apdu.command(0x80, 0xA8, 0, 0, b"\x83\x00", 256), "80A8000002830000"),
        (apdu.command(0x00, 0xB0, 0, 0, expected=256), "00B0000000"),
        (apdu.command(0x00, 0xB0, 0, 0, expected=257), "00B00000000101"),
        (apdu.command(0x00, 0xB0, 0, 0, expected=65536), "00B00000000000"),
        (apdu.command(0x00, 0xD6, 0, 0, bytes(256)), "00D60000000100" + "00" * 256),
        (apdu.command(0x00, 0xCB, 0x3F, 0xFF, b"\x5c\x00", 1000), "00CB3FFF0000025C0003E8"),
        (apdu.read_record(5, 1, 18), "00B2012C12"),
        (apdu.select(b"1PAY"), "00A404000431504159" + "00"),
    ],
)
def test_lengths_stand_where_the_standard_wants_them(built, wanted):
    assert built.hex().upper() == wanted


def test_command_that_no_card_could_take_is_not_built():
    with pytest.raises(ValueError, match="no APDU"):
        apdu.command(0, 0xD6, 0, 0, bytes(65536))
    with pytest.raises(ValueError, match="no APDU"):
        apdu.command(0, 0xB0, 0, 0, expected=65537)


def test_data_after_a_command_with_data_are_fetched_under_t0():
    far = Scripted(("00A40400023F00", "6103"), ("00C0000003", "010203 9000"))
    assert apdu.exchange(bytes.fromhex("00A40400023F0000"), t0=True, transmit=far) == b"\1\2\3" + OK
    assert not far.dialogue


def test_wrong_length_is_asked_again_with_the_right_one():
    far = Scripted(("00B2010C00", "6C02"), ("00B2010C02", "0102 9000"))
    assert apdu.exchange(bytes.fromhex("00B2010C00"), t0=True, transmit=far) == b"\1\2" + OK


def test_case_4_keeps_its_length_under_t1_and_its_own_6cxx_is_obeyed():
    far = Scripted(("00A40400023F0000", "6C01"), ("00A40400023F0001", "07 9000"))
    assert apdu.exchange(bytes.fromhex("00A40400023F0000"), t0=False, transmit=far) == b"\7" + OK


def test_command_without_data_and_length_gets_a_zero_under_t0():
    far = Scripted(("0084000000", "9000"))
    assert apdu.exchange(bytes.fromhex("00840000"), t0=True, transmit=far) == OK


@pytest.mark.parametrize(("cla", "response"), [("80", "00"), ("0C", "00"), ("01", "01"), ("11", "01"), ("43", "43")])
def test_rest_is_fetched_on_the_commands_own_channel_and_in_clear(cla, response):
    far = Scripted((f"{cla}B0000000", "01 6101"), (f"{response}C0000001", "02 9000"))
    assert apdu.exchange(bytes.fromhex(f"{cla}B0000000"), t0=False, transmit=far) == b"\1\2" + OK


def test_length_told_by_get_response_itself_is_obeyed():
    far = Scripted(("00B0000000", "6110"), ("00C0000010", "6C02"), ("00C0000002", "0102 9000"))
    assert apdu.exchange(bytes.fromhex("00B0000000"), t0=False, transmit=far) == b"\1\2" + OK


@pytest.mark.parametrize("answer", ["6101", "016101", "6C01"])
def test_chip_that_is_never_done_is_given_up(answer):
    asked = []

    def transmit(command: bytes) -> bytes:
        asked.append(command)
        return bytes.fromhex(answer)

    with pytest.raises(DeviceProtocolError, match="not done"):
        apdu.exchange(bytes.fromhex("00B0000000"), t0=False, transmit=transmit)
    assert len(asked) == apdu.ROUNDS


@pytest.mark.parametrize("answer", ["", "90"])
def test_answer_without_a_status_word_is_refused(answer):
    with pytest.raises(DeviceProtocolError, match="status word"):
        apdu.exchange(bytes.fromhex("00B0000000"), t0=False, transmit=lambda _: bytes.fromhex(answer))


def test_extended_command_is_refused_under_t0_and_passed_through_under_t1():
    extended = apdu.command(0, 0xB0, 0, 0, expected=1000)
    with pytest.raises(DeviceProtocolError, match="T=0"):
        apdu.exchange(extended, t0=True, transmit=lambda _: OK)
    far = Scripted((extended.hex().upper(), "00 9000"))
    assert apdu.exchange(extended, t0=False, transmit=far) == b"\0" + OK


@pytest.mark.parametrize("wrong", ["00A404", "00A4040002AA", "00A4040001AABBCC"])
def test_what_is_no_command_never_reaches_a_card(wrong):
    with pytest.raises(ValueError, match="command"):
        apdu.exchange(bytes.fromhex(wrong), t0=False, transmit=lambda _: pytest.fail("sent"))


@given(st.binary(max_size=300), st.lists(st.binary(max_size=300), min_size=20, max_size=20), st.booleans())
def test_no_answer_makes_an_exchange_fail_otherwise_than_by_name(command, answers, t0):
    left = iter(answers)
    try:
        whole = apdu.exchange(command, t0=t0, transmit=lambda _: next(left))
    except (DeviceProtocolError, ValueError):
        return
    assert len(whole) >= 2


@pytest.mark.parametrize(("wire", "manners"), [("t0", T0Manners), ("t1", T1Manners)])
def test_simulated_card_says_what_was_seen_on_the_wire(wire, manners):
    chip = manners(EmvChip())
    chip.reset()
    if wire == "t0":
        assert chip.answer(bytes.fromhex("00A4040008A000000333010101")).hex() == "6136"
        assert chip.answer(bytes.fromhex("80A80000068304260000 00".replace(" ", ""))).hex() == "610c"
    for command, answer in VECTORS[wire]:
        if wire == "t0" and command.startswith("00B2010C00"):
            chip.answer(bytes.fromhex("00A4040008A000000333010101"))
            chip.answer(bytes.fromhex("80A8000006830426000000"))
        assert chip.answer(bytes.fromhex(command)).hex().upper() == answer


def test_both_wires_carry_the_same_dialogue():
    class Long:
        def reset(self) -> None:
            pass

        def answer(self, command: bytes) -> bytes:
            return bytes(range(256)) * 3 + b"\x62\x00"

    for t0, manners in ((True, T0Manners), (False, T1Manners)):
        far = manners(Long())
        whole = apdu.exchange(bytes.fromhex("00CB3FFF035C0101 00".replace(" ", "")), t0=t0, transmit=far.answer)
        assert whole == bytes(range(256)) * 3 + b"\x62\x00"

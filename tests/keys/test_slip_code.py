"""The code on a slip: proves what it says to whoever has the public key, and nothing once it was touched."""

from __future__ import annotations

import datetime as dt
import json
import re
import string
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
import segno
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.drivers.escpos_bytes import QR_MODULE, QR_QUIET
from kiosk.documents.slip_code import (
    KnownKiosk,
    SlipCodeError,
    SlipCodeProblem,
    load_public_keys,
    read_slip_code,
    slip_code,
    verify_slip,
)
from kiosk.keys import FileKey, TokenKey, public_pem

if TYPE_CHECKING:
    from pathlib import Path

PAPER_DOTS = 576  # 72 mm printable of 80 mm paper at 203 dpi
TAKEN = dt.datetime(2026, 11, 21, 9, 5, 7, 250_000, tzinfo=dt.timezone(dt.timedelta(hours=8)))
SAID = {
    "kiosk": "K0001",
    "epoch": "9f0c" * 8,
    "seq": 4711,
    "number": "0001-261121-0007-4821",
    "taken_at": TAKEN,
    "fingerprint": bytes(range(32)),
}


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    return FileKey.open(tmp_path_factory.mktemp("state") / "kiosk.key", create=True)


@pytest.fixture(scope="module")
def keys(key):
    return {key.key_id: KnownKiosk(kiosk="K0001", public_key=key.public_key())}


def problem(text, keys) -> SlipCodeError:
    with pytest.raises(SlipCodeError) as caught:
        read_slip_code(text, keys)
    return caught.value


def decoded(text: str, *, dots: int, correction: str = "m") -> str:
    """Print the code as the slip printer does and read the picture with another maker's reader."""
    matrix = np.array([list(row) for row in segno.make_qr(text, error=correction).matrix], dtype=np.uint8)
    picture = np.pad(255 * (1 - matrix), QR_QUIET // 2, constant_values=255).repeat(dots, 0).repeat(dots, 1)
    for scale in (1.0, 0.7, 1.4):  # each signature is another pattern, and each reader misses a few: a scanner tries on
        seen = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        for reader in (cv2.QRCodeDetector(), cv2.QRCodeDetectorAruco()):
            if found := reader.detectAndDecode(seen)[0]:
                return found
    return ""


def test_a_code_proves_what_the_kiosk_said(key, keys):
    proof = read_slip_code(slip_code(key, **SAID), keys)
    assert (proof.kiosk, proof.epoch, proof.seq, proof.number) == ("K0001", "9f0c" * 8, 4711, "0001-261121-0007-4821")
    assert proof.taken_at == TAKEN.replace(microsecond=0)
    assert proof.taken_at.tzinfo is dt.UTC
    assert proof.fingerprint == bytes(range(32))
    assert proof.key_id == key.key_id


def test_a_code_signed_in_a_token_proves_the_same(soft):
    key = TokenKey.open(soft.place, create=True)
    try:
        text = slip_code(key, **SAID)
        keys = {key.key_id: KnownKiosk(kiosk="K0001", public_key=key.public_key())}
    finally:
        key.close()
    assert read_slip_code(text, keys).number == SAID["number"]


def test_every_change_of_one_character_is_refused(key, keys):
    text = slip_code(key, **SAID)
    for at, right in enumerate(text):
        for wrong in string.ascii_uppercase + "234567019abz =-:%\n":
            if wrong != right:
                with pytest.raises(SlipCodeError):
                    read_slip_code(text[:at] + wrong + text[at + 1 :], keys)


def test_a_character_lost_added_or_swapped_is_refused(key, keys):
    text = slip_code(key, **SAID)
    for at in range(len(text)):
        problem(text[:at] + text[at + 1 :], keys)
        problem(text[:at] + "A" + text[at:], keys)
        if text[at : at + 1] != text[at + 1 : at + 2] and at + 1 < len(text):
            problem(text[:at] + text[at + 1] + text[at] + text[at + 2 :], keys)


def test_the_line_end_a_scanner_adds_does_no_harm(key, keys):
    assert read_slip_code(slip_code(key, **SAID) + "\r\n", keys).seq == 4711


def test_an_unknown_key_is_named(key):
    error = problem(slip_code(key, **SAID), {})
    assert error.problem is SlipCodeProblem.UNKNOWN_KEY
    assert key.key_id in str(error)


def test_a_kiosk_cannot_speak_for_another(key, keys):
    error = problem(slip_code(key, **(SAID | {"kiosk": "K0002"})), keys)
    assert error.problem is SlipCodeProblem.FORGED
    assert "K0002" in str(error)


def test_a_code_by_another_key_under_this_name_is_forged(key, keys):
    other = ec.generate_private_key(ec.SECP256R1())

    class Forger:
        key_id = key.key_id

        def sign(self, message):
            return other.sign(message, ec.ECDSA(SHA256()))

    assert problem(slip_code(Forger(), **SAID), keys).problem is SlipCodeProblem.FORGED


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", SlipCodeProblem.NO_CODE),
        ("0001-261121-0007-4821", SlipCodeProblem.NO_CODE),
        ("https://example.cn/q?k=1", SlipCodeProblem.NO_CODE),
        ("tb1:AAAA", SlipCodeProblem.NO_CODE),
        ("TB2:AAAA", SlipCodeProblem.NO_CODE),
        ("TB1:", SlipCodeProblem.DAMAGED),
        ("TB1:A", SlipCodeProblem.DAMAGED),
        ("TB1:" + "A" * 240, SlipCodeProblem.DAMAGED),
        ("TB1:" + "7" * 264, SlipCodeProblem.DAMAGED),
        ("TB1:" + "A" * 100_000, SlipCodeProblem.DAMAGED),
        ("TB1:中文", SlipCodeProblem.DAMAGED),
    ],
)
def test_what_is_no_code_is_told_for_what_it_is(keys, text, kind):
    assert problem(text, keys).problem is kind


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", max_size=400) | st.text(max_size=60))
def test_no_text_ends_in_anything_but_a_told_problem(keys, text):
    problem(f"TB1:{text}", keys)


NAMES = st.text(alphabet=string.ascii_letters + string.digits + "._-", min_size=1, max_size=32)
SAYABLE = st.fixed_dictionaries(
    {
        "kiosk": NAMES,
        "number": NAMES,
        "seq": st.integers(1, 2**63 - 1),
        "epoch": st.binary(min_size=16, max_size=16).map(bytes.hex),
        "fingerprint": st.binary(min_size=32, max_size=32),
        "taken_at": st.integers(0, 253_402_300_799).map(lambda second: dt.datetime.fromtimestamp(second, dt.UTC)),
    }
)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=SAYABLE)
def test_whatever_is_said_is_read_back(key, said):
    known = {key.key_id: KnownKiosk(kiosk=said["kiosk"], public_key=key.public_key())}
    proof = read_slip_code(slip_code(key, **said), known)
    assert {name: getattr(proof, name) for name in said} == said


@pytest.mark.parametrize(
    "wrong",
    [
        {"taken_at": dt.datetime(2026, 11, 21)},  # noqa: DTZ001 - the fault itself
        {"taken_at": dt.datetime(1969, 1, 1, tzinfo=dt.UTC)},
        {"fingerprint": bytes(31)},
        {"epoch": "9F0C" * 8},
        {"epoch": "9f"},
        {"seq": 0},
        {"seq": 2**63},
        {"kiosk": ""},
        {"kiosk": "机"},
        {"number": "x" * 33},
        {"number": "a b"},
    ],
)
def test_what_could_not_be_read_back_is_not_signed(key, wrong):
    with pytest.raises(ValueError, match="slip's code"):
        slip_code(key, **(SAID | wrong))


def test_nothing_but_the_agreed_is_in_the_code(key):
    """The size says it: 72 bytes, two short words, a signature. No room for a name, an identity number, a content."""
    text = slip_code(key, **SAID)
    raw = 72 + 1 + len("K0001") + 1 + len("0001-261121-0007-4821") + 64
    assert len(text) == 4 + -(-raw * 8 // 5)
    assert re.fullmatch(r"TB1:[A-Z2-7]+", text)  # QR alphanumeric mode


def test_the_code_fits_the_paper_and_is_read_from_it(key, keys):
    text = slip_code(key, **SAID)
    code = segno.make_qr(text, error="m")
    assert (code.version, code.mode) == (10, "alphanumeric")
    modules = len(code.matrix)
    assert (modules + QR_QUIET) * QR_MODULE <= PAPER_DOTS
    assert read_slip_code(decoded(text, dots=QR_MODULE), keys).seq == 4711
    longest = slip_code(key, **(SAID | {"kiosk": "K" * 32, "number": "9" * 32, "seq": 2**63 - 1}))
    longest_code = segno.make_qr(longest, error="m")
    assert longest_code.version == 11
    assert (len(longest_code.matrix) + QR_QUIET) * QR_MODULE <= PAPER_DOTS
    assert decoded(longest, dots=QR_MODULE) == longest


def file_of(path: Path, told: object) -> Path:
    path.write_text(told if isinstance(told, str) else json.dumps(told), encoding="utf-8")
    return path


def test_the_file_of_public_keys_is_all_that_is_needed(key, tmp_path):
    entry = {"kiosk": "K0001", "public_key_pem": public_pem(key.public_key())}
    path = file_of(tmp_path / "keys.json", {key.key_id: entry})
    assert verify_slip(slip_code(key, **SAID), path).number == SAID["number"]


def test_every_problem_of_the_file_of_keys_is_named(key, tmp_path):
    pem = public_pem(key.public_key())
    p384 = public_pem(ec.generate_private_key(ec.SECP384R1()).public_key())
    told = {
        "kiosk-0000000000000000": {"kiosk": "K0001", "public_key_pem": pem},
        "kiosk-0000000000000001": {"kiosk": "K 1", "public_key_pem": pem},
        "kiosk-0000000000000002": {"kiosk": "K0001", "public_key_pem": "no key"},
        "kiosk-0000000000000003": {"kiosk": "K0001", "public_key_pem": p384},
        "kiosk-0000000000000004": {"kiosk": "K0001"},
        "kiosk-0000000000000005": [],
        key.key_id: {"kiosk": "K0001", "public_key_pem": pem},
    }
    with pytest.raises(SlipCodeError) as caught:
        load_public_keys(file_of(tmp_path / "keys.json", told))
    assert caught.value.problem is SlipCodeProblem.KEY_FILE
    for name in told.keys() - {key.key_id}:
        assert repr(name) in caught.value.detail
    assert f"this key's name is {key.key_id}" in caught.value.detail
    assert repr(key.key_id) not in caught.value.detail


@pytest.mark.parametrize("told", ["", "[]", "{", "[" * 100_000, '{"a": NaN}', "\x00"])
def test_a_file_that_is_no_file_of_keys_is_told(tmp_path, told):
    with pytest.raises(SlipCodeError) as caught:
        load_public_keys(file_of(tmp_path / "keys.json", told))
    assert caught.value.problem is SlipCodeProblem.KEY_FILE


def test_a_missing_file_of_keys_is_told(tmp_path):
    with pytest.raises(SlipCodeError, match=re.escape("No such file")):
        load_public_keys(tmp_path / "none.json")

"""ICAO's worked examples, value by value: keys, BAC, secure messaging, PACE on a curve and modulo a prime."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from devices.chip.emrtd import Can, MrzKey, bac, pace
from devices.chip.emrtd.conversation import Conversation
from devices.chip.emrtd.groups import CurveGroup
from devices.chip.emrtd.parameters import GROUPS
from devices.chip.emrtd.secure_messaging import Channel, Command
from devices.chip.emrtd.suites import Algorithm, Purpose, TripleDesSuite, decrypt_once, derive_key, suite_of
from devices.errors import DeviceCode, MediumError
from devices.sim import emrtd_curves
from devices.sim.emrtd_crypto import SimCurve
from devices.values import Pii
from tests.emrtd import play

VECTORS = json.loads((Path(__file__).parent / "vectors" / "emrtd.json").read_text(encoding="utf-8"))
BAC, STEPS = VECTORS["bac"], VECTORS["secure_messaging"]
PACE_RUNS = pytest.mark.parametrize("vector", [VECTORS["pace_ecdh"], VECTORS["pace_dh"]], ids=["ECDH", "DH"])
CURVES = [curve for curve in vars(emrtd_curves).values() if isinstance(curve, SimCurve)]


def octets(vector: dict[str, str], name: str) -> bytes:
    return bytes.fromhex(vector[name])


def key_of(vector: dict[str, str]) -> MrzKey:
    return MrzKey(Pii(vector["mrz_information"]))


def offer_of(vector: dict) -> pace.Offer:
    info = b"\x06\x0a" + octets(vector, "oid_value_hex") + b"\x02\x01\x02\x02\x01" + bytes([vector["param_id"]])
    offer = pace.best_offer(b"\x31\x14\x30\x12" + info)
    assert offer is not None
    return offer


class Script:
    """A chip that answers what it is told to, and keeps what it was asked."""

    def __init__(self, *answers: str | bytes) -> None:
        self.answers = [bytes.fromhex(answer) if isinstance(answer, str) else answer for answer in answers]
        self.asked: list[bytes] = []

    def __call__(self, command: bytes) -> bytes:
        self.asked.append(command)
        return self.answers[len(self.asked) - 1]


class Draws:
    """Secrets of an example, given out in their order as the group draws them."""

    def __init__(self, *secrets: int) -> None:
        self.secrets = list(secrets)

    def __call__(self, size: int) -> bytes:
        return (self.secrets.pop(0) - 2).to_bytes(size)  # a group draws from 2 on


def test_keys_of_the_zone_are_those_of_appendix_d() -> None:
    secret = key_of(BAC).secret()[:16]
    assert secret == octets(BAC, "k_seed")
    assert derive_key(secret, Purpose.ENCRYPT, Algorithm.TRIPLE_DES) == octets(BAC, "k_enc")
    assert derive_key(secret, Purpose.MAC, Algorithm.TRIPLE_DES) == octets(BAC, "k_mac")


def test_key_from_typed_fields_is_the_one_of_the_zone() -> None:
    assert MrzKey.of("l898902c", date(1969, 8, 6), date(1994, 6, 23)) == key_of(BAC)
    with pytest.raises(ValueError, match="letters A-Z and digits") as error:
        MrzKey.of("汉123", date(1969, 8, 6), date(1994, 6, 23))
    assert error.value.__suppress_context__


def test_number_typed_wrong_is_no_card_access_number() -> None:
    assert Can.of("123456").secret() == b"123456"
    for wrong in ("12345", "1234567", "12345a", "１２３４５６"):
        with pytest.raises(ValueError, match="six digits"):
            Can.of(wrong)


def test_bac_says_and_understands_what_appendix_d_shows() -> None:
    chip = Script(BAC["rnd_ic"] + "9000", BAC["e_ic"] + BAC["m_ic"] + "9000")
    drawn = [octets(BAC, "rnd_ifd"), octets(BAC, "k_ifd")]
    channel = play(bac.open_channel(Conversation(), key_of(BAC), lambda _: drawn.pop(0)), chip).result
    assert chip.asked[0] == bytes.fromhex("0084000008")
    assert chip.asked[1] == bytes.fromhex("0082000028" + BAC["e_ifd"] + BAC["m_ifd"] + "28")
    for step in STEPS:
        assert channel.protect(_command(step["plain"])) == bytes.fromhex(step["command"])
        answer = channel.open(bytes.fromhex(step["response"]))
        assert answer.data.hex().upper() + f"{answer.status:04X}" == step["plain_response"]


def test_session_keys_are_those_of_appendix_d() -> None:
    seed = octets(BAC, "ks_seed")
    assert derive_key(seed, Purpose.ENCRYPT, Algorithm.TRIPLE_DES) == octets(BAC, "ks_enc")
    assert derive_key(seed, Purpose.MAC, Algorithm.TRIPLE_DES) == octets(BAC, "ks_mac")
    suite = TripleDesSuite(octets(BAC, "k_enc"), octets(BAC, "k_mac"))
    assert suite.encrypt(b"", octets(BAC, "s")) == octets(BAC, "e_ifd")
    assert suite.mac(suite.pad(octets(BAC, "e_ifd"))) == octets(BAC, "m_ifd")
    assert suite.decrypt(b"", octets(BAC, "e_ic")) == octets(BAC, "r")


@pytest.mark.parametrize("change", ["proof", "order", "key"])
def test_bac_with_a_chip_that_does_not_know_the_keys_is_refused(change: str) -> None:
    suite = suite_of(Algorithm.TRIPLE_DES, octets(BAC, "k_seed"))
    plain = bytearray(octets(BAC, "r"))
    if change == "order":
        plain[0:16] = plain[8:16] + plain[0:8]
    cryptogram = suite.encrypt(b"", bytes(plain))
    proof = bytearray(suite.mac(suite.pad(cryptogram)))
    if change != "order":
        proof[0] ^= 1
    chip = Script(BAC["rnd_ic"] + "9000", cryptogram + bytes(proof) + b"\x90\x00")
    drawn = [octets(BAC, "rnd_ifd"), octets(BAC, "k_ifd")]
    with pytest.raises(MediumError) as error:
        play(bac.open_channel(Conversation(), key_of(BAC), lambda _: drawn.pop(0)), chip)
    assert error.value.code is DeviceCode.CARD_REFUSED


@PACE_RUNS
def test_pace_says_and_understands_what_appendix_g_shows(vector: dict) -> None:
    wrapped = [("80", "encrypted_nonce"), ("82", "pk_map_ic"), ("84", "pk_dh_ic"), ("86", "t_ic")]
    chip = Script("9000", *(_dynamic(tag, octets(vector, name)) + b"\x90\x00" for tag, name in wrapped))
    offer = offer_of(vector)
    draws = Draws(int(vector["sk_map_ifd"], 16), int(vector["sk_dh_ifd"], 16))
    channel = play(pace.open_channel(Conversation(), offer, key_of(vector), draws), chip).result
    said = [("81", "pk_map_ifd"), ("83", "pk_dh_ifd"), ("85", "t_ifd")]
    assert chip.asked[0] == bytes.fromhex("0022C1A40F800A" + vector["oid_value_hex"] + "830101")
    assert chip.asked[1] == bytes.fromhex("10860000027C0000")
    for command, (tag, name) in zip(chip.asked[2:], said, strict=True):
        data = _dynamic(tag, octets(vector, name))
        assert command == bytes([0x00 if tag == "85" else 0x10, 0x86, 0, 0, len(data)]) + data + b"\0"
    assert channel.protect(Command(0xB0, 0, 0, le=4)) == _first_read(vector)


@pytest.mark.parametrize(
    ("last", "code"),
    [
        ("6300", DeviceCode.CHIP_ACCESS),
        ("63C1", DeviceCode.CHIP_ACCESS),
        ("6983", DeviceCode.CARD_BLOCKED),
        ("7C0A8608" + "00" * 8 + "9000", DeviceCode.CARD_REFUSED),
        ("7C008F9000", DeviceCode.CARD_UNREADABLE),
    ],
)
def test_end_of_pace_says_whose_proof_was_wrong(last: str, code: DeviceCode) -> None:
    vector = VECTORS["pace_ecdh"]
    wrapped = [("80", "encrypted_nonce"), ("82", "pk_map_ic"), ("84", "pk_dh_ic")]
    chip = Script("63C2", *(_dynamic(tag, octets(vector, name)) + b"\x90\x00" for tag, name in wrapped), last)
    draws = Draws(int(vector["sk_map_ifd"], 16), int(vector["sk_dh_ifd"], 16))
    with pytest.raises(MediumError) as error:
        play(pace.open_channel(Conversation(), offer_of(vector), key_of(vector), draws), chip)
    assert error.value.code is code
    assert len(chip.asked) == 5


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        (["6983"], DeviceCode.CARD_BLOCKED),
        (["9000", "6A80"], DeviceCode.CARD_UNREADABLE),
        (["9000", "7C03800112" + "9000"], DeviceCode.CARD_UNREADABLE),
    ],
)
def test_chip_that_does_not_begin_pace_as_it_should_is_an_error(answers: list[str], code: DeviceCode) -> None:
    vector = VECTORS["pace_ecdh"]
    with pytest.raises(MediumError) as error:
        play(pace.open_channel(Conversation(), offer_of(vector), key_of(vector), Draws(5)), Script(*answers))
    assert error.value.code is code


@pytest.mark.parametrize(
    "answers", [["6D00"], [BAC["rnd_ic"][2:] + "9000"], [BAC["rnd_ic"] + "9000", "00" * 39 + "9000"]]
)
def test_chip_that_does_not_do_bac_as_it_should_is_an_error(answers: list[str]) -> None:
    with pytest.raises(MediumError) as error:
        play(bac.open_channel(Conversation(), key_of(BAC), bytes), Script(*answers))
    assert error.value.code is DeviceCode.CARD_UNREADABLE


@pytest.mark.parametrize("body", ["", "87020155", "870901" + "00" * 8, "850400000000", "870102"])
def test_proven_answer_that_makes_no_sense_is_unreadable(body: str) -> None:
    """No whole blocks, no padding, no status: the chip's own mistakes, under its own proof."""
    suite = TripleDesSuite(octets(BAC, "ks_enc"), octets(BAC, "ks_mac"))
    objects = bytes.fromhex(body) + (b"\x99\x02\x90\x00" if body else b"")
    proof = suite.mac(suite.pad((1).to_bytes(8) + objects))
    with pytest.raises(MediumError) as error:
        Channel(suite, bytes(8)).open(objects + b"\x8e\x08" + proof + b"\x90\x00")
    assert error.value.code is DeviceCode.CARD_UNREADABLE


@PACE_RUNS
def test_numbers_of_pace_are_those_of_appendix_g(vector: dict) -> None:
    group = offer_of(vector).group
    secret, drawn = int(vector["sk_map_ifd"], 16), int(vector["sk_dh_ifd"], 16)
    password = derive_key(key_of(vector).secret(), Purpose.PASSWORD, Algorithm.AES_128)
    assert password == octets(vector, "k_pi")
    assert decrypt_once(Algorithm.AES_128, password, octets(vector, "encrypted_nonce")) == octets(vector, "nonce")
    assert group.public(secret) == octets(vector, "pk_map_ifd")
    assert group.public(int(vector["sk_map_ic"], 16)) == octets(vector, "pk_map_ic")
    mapped = group.map(octets(vector, "nonce"), secret, octets(vector, "pk_map_ic"))
    assert mapped == octets(vector, "mapped_g")
    assert group.public_on(mapped, drawn) == octets(vector, "pk_dh_ifd")
    assert group.public_on(mapped, int(vector["sk_dh_ic"], 16)) == octets(vector, "pk_dh_ic")
    shared = group.agree(drawn, octets(vector, "pk_dh_ic"))
    assert shared == octets(vector, "shared_k")
    assert derive_key(shared, Purpose.ENCRYPT, Algorithm.AES_128) == octets(vector, "ks_enc")
    assert derive_key(shared, Purpose.MAC, Algorithm.AES_128) == octets(vector, "ks_mac")


@PACE_RUNS
@pytest.mark.parametrize("wrong", ["echo", "foreign", "one"])
def test_public_key_that_proves_nothing_is_refused(vector: dict, wrong: str) -> None:
    """Sent back as it came; not on the curve, or outside of the subgroup; the neutral element or none at all."""
    ours = octets(vector, "pk_map_ifd")
    foreign = bytes([*ours[:-1], ours[-1] ^ 1])
    theirs = {"echo": ours, "foreign": foreign, "one": bytes(len(ours) - 1) + b"\1"}[wrong]
    chip = Script("9000", *(_dynamic(tag, value) + b"\x90\x00" for tag, value in (("80", bytes(16)), ("82", theirs))))
    draws = Draws(int(vector["sk_map_ifd"], 16), 5)
    with pytest.raises(MediumError):
        play(pace.open_channel(Conversation(), offer_of(vector), key_of(vector), draws), chip)
    assert len(chip.asked) == 3


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: str(curve.number))
def test_mapping_on_every_curve_is_that_of_plain_arithmetic(curve: SimCurve) -> None:
    """The library multiplies and only first coordinates come out of it: both signs of the second have to be met."""
    group = GROUPS[curve.number]
    assert isinstance(group, CurveGroup)
    for secret in (2, 3, 4, 5, curve.order - 2, curve.order // 3):
        theirs = curve.multiply(secret * 7 + 5, curve.base)
        nonce = curve.order // 11 + secret % 97
        expected = curve.add(curve.multiply(nonce, curve.base), curve.multiply(secret, theirs))
        mapped = group.map(nonce.to_bytes(curve.size), secret, curve.encode(theirs))
        assert mapped == curve.encode(expected)
        assert group.public_on(mapped, secret) == curve.encode(curve.multiply(secret, expected))


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: str(curve.number))
def test_keys_that_lead_to_infinity_are_refused(curve: SimCurve) -> None:
    theirs = curve.multiply(curve.order - 9, curve.base)
    with pytest.raises(MediumError) as error:
        GROUPS[curve.number].map((18).to_bytes(16), 2, curve.encode(theirs))
    assert error.value.code is DeviceCode.CARD_REFUSED
    with pytest.raises(MediumError):
        GROUPS[curve.number].map(bytes(16), 2, curve.encode(curve.base))


@pytest.mark.parametrize("number", [0, 1, 2])
def test_prime_groups_have_generators_of_their_order(number: int) -> None:
    group = GROUPS[number]
    assert pow(group.g, group.q, group.p) == 1  # type: ignore[attr-defined]
    assert (group.p - 1) % group.q == 0  # type: ignore[attr-defined]


def test_channel_says_nothing_before_the_proof_was_right() -> None:
    """Deciphering what nobody has proven tells an attacker about the padding."""
    suite = TripleDesSuite(octets(BAC, "ks_enc"), octets(BAC, "ks_mac"))
    channel = Channel(suite, octets(BAC, "ssc"))
    channel.protect(_command(STEPS[0]["plain"]))
    suite.decrypt = None  # type: ignore[method-assign, assignment]
    damaged = bytearray(bytes.fromhex(STEPS[1]["response"]))
    damaged[5] ^= 1
    with pytest.raises(MediumError) as error:
        channel.open(bytes(damaged))
    assert error.value.code is DeviceCode.CARD_REFUSED


def _command(plain: str) -> Command:
    header, body = bytes.fromhex(plain[:8]), bytes.fromhex(plain[8:])
    if len(body) == 1:
        return Command(header[1], header[2], header[3], le=body[0])
    return Command(header[1], header[2], header[3], body[1:])


def _dynamic(tag: str, value: bytes) -> bytes:
    inside = bytes.fromhex(tag) + _length(value) + value
    return b"\x7c" + _length(inside) + inside


def _length(value: bytes) -> bytes:
    return bytes([len(value)]) if len(value) < 0x80 else bytes([0x81, len(value)])


def _first_read(vector: dict) -> bytes:
    """READ BINARY with the example's keys, written out by hand: the send counter begins at zero after PACE."""
    suite = suite_of(Algorithm.AES_128, octets(vector, "shared_k"))
    header = b"\x0c\xb0\0\0"
    proof = suite.mac(suite.pad((1).to_bytes(16) + suite.pad(header) + b"\x97\x01\x04"))
    return header + b"\x0d\x97\x01\x04\x8e\x08" + proof + b"\0"

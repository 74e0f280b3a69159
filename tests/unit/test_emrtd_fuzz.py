"""Bytes of nobody's making: only a device's errors come out of the parsers, and no parser takes what it likes."""

from __future__ import annotations

import contextlib
import random
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from devices.chip.emrtd import Authenticity, TrustAnchorError, TrustAnchors, ber, pace, read_travel_document
from devices.chip.emrtd.chip_proof import prove_chip
from devices.chip.emrtd.conversation import Conversation
from devices.chip.emrtd.face import portrait_of
from devices.chip.emrtd.passive_authentication import SecurityObject
from devices.chip.emrtd.read import zone_of
from devices.chip.emrtd.secure_messaging import Channel, SessionLost
from devices.chip.emrtd.suites import Algorithm, suite_of
from devices.errors import DeviceProtocolError, MediumError
from devices.sim.emrtd_chip import EmrtdChip
from devices.sim.emrtd_crypto import AES_128, tlv
from devices.sim.emrtd_issuer import Issuer
from devices.sim.emrtd_pace import PaceProfile
from devices.sim.emrtd_proof import AgreementKey, SigningKey, group14
from devices.sim.emrtd_traveller import DG1, DG2, DG14, DG15, SOD, files_of
from tests.emrtd import KEY, TODAY, TRAVELLER, jpeg, play

if TYPE_CHECKING:
    from collections.abc import Callable

ISSUER = Issuer(TODAY)
ANCHORS = TrustAnchors.of(ISSUER.anchor, revocations=(ISSUER.revocations(),))
AGREEING = AgreementKey(AES_128)
SIGNING = SigningKey(ec.generate_private_key(ec.SECP256R1()))
FILES = files_of(TRAVELLER, jpeg(), ISSUER, keys={DG14: group14(AGREEING), DG15: SIGNING.group()})
ALLOWED = (MediumError, DeviceProtocolError)
LARGE = 1 << 18
MOST_MEMORY = 4 << 20  # bytes, for a file of a quarter of a MiB


def _is_tag(tag: int) -> bool:
    octets = tag.to_bytes((tag.bit_length() + 7) // 8)
    if octets[0] & 0x1F != 0x1F:
        return len(octets) == 1
    return len(octets) > 1 and all(octet & 0x80 for octet in octets[1:-1]) and octets[-1] < 0x80


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Return content that was cut, changed, doubled or filled in places."""
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(changed)))
        piece = draw(
            st.one_of(st.binary(max_size=6), st.sampled_from([b"\x30\x80", b"\x84\xff\xff\xff\xff", b"\0" * 40]))
        )
        changed[at : at + draw(st.integers(0, 6))] = piece
    return bytes(changed)


def of(content: bytes) -> st.SearchStrategy[bytes]:
    return st.one_of(damaged(content), st.binary(max_size=200))


def judge(content: bytes) -> None:
    found = SecurityObject(content).judge({1: FILES[DG1], 2: FILES[DG2]}, ANCHORS, TODAY)
    assert found.authenticity in Authenticity


@given(of(FILES[SOD]))
@settings(max_examples=300, deadline=None)
@example(tlv(0x77, b"\x30" + b"\x80" * 2000))
@example(tlv(0x77, b"\x30\x80" * 20_000))
def test_security_object(content: bytes) -> None:
    with contextlib.suppress(*ALLOWED):
        judge(content)


@given(of(FILES[DG2]))
@settings(deadline=None)
def test_face(content: bytes) -> None:
    with contextlib.suppress(*ALLOWED):
        assert len(portrait_of(content).content) <= len(content)


@given(of(FILES[DG1]))
@settings(deadline=None)
def test_zone(content: bytes) -> None:
    with contextlib.suppress(*ALLOWED):
        zone_of(content, today=TODAY)


@given(of(FILES[DG14]), of(FILES[DG15]))
@settings(deadline=None)
def test_keys_of_the_chip(agreeing: bytes, signing: bytes) -> None:
    """An issuer's mistake proves nothing and hurts nobody."""
    for files in ({14: agreeing}, {14: agreeing, 15: signing}):
        with contextlib.suppress(*ALLOWED):
            play(prove_chip(Conversation(), files, bytes), lambda _: b"\x6a\x80")


@given(of(tlv(0x31, PaceProfile().info(), PaceProfile(mapping=4).info())))
@settings(deadline=None)
def test_card_access(content: bytes) -> None:
    with contextlib.suppress(*ALLOWED):
        pace.best_offer(content)


@given(of(tlv(0x30, tlv(0x7F61, b"a"), tlv(0x5F2E, bytes(300)))))
@settings(deadline=None)
def test_data_objects(content: bytes) -> None:
    with contextlib.suppress(*ALLOWED):
        for _, value in ber.items(content):
            list(ber.items(value))


@given(st.integers(1, 0xFFFFFF).filter(_is_tag), st.binary(max_size=70_000))
@settings(max_examples=30, deadline=None)
def test_what_is_encoded_is_read_back(tag: int, value: bytes) -> None:
    assert list(ber.items(ber.encode(tag, value) * 2)) == [(tag, value)] * 2


@given(of(ISSUER.anchor))
@settings(max_examples=200, deadline=None)
def test_trust_anchor(content: bytes) -> None:
    with contextlib.suppress(TrustAnchorError):
        TrustAnchors.of(content)


@given(of(ISSUER.master_list(ISSUER.anchor)))
@settings(deadline=None)
def test_master_list(content: bytes) -> None:
    with contextlib.suppress(TrustAnchorError):
        TrustAnchors.of(content)


@pytest.mark.parametrize("algorithm", list(Algorithm))
@given(answer=st.binary(max_size=300))
@settings(deadline=None)
def test_protected_answer(algorithm: Algorithm, answer: bytes) -> None:
    """Nothing that was not proven is ever said."""
    suite = suite_of(algorithm, bytes(16))
    with pytest.raises((*ALLOWED, SessionLost)):
        Channel(suite, bytes(suite.block)).open(answer)


@given(st.data())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_chip_that_says_anything(data: st.DataObject) -> None:
    """Each answer may be nonsense, in the open and within a channel that is sound."""
    profile = data.draw(st.sampled_from([None, PaceProfile()]))
    same_again = random.Random(9303).randbytes  # noqa: S311 - a run that can be run again
    chip = EmrtdChip(FILES, TRAVELLER.key(), pace=profile, random=same_again, sleep=lambda _: None, agreeing=AGREEING)
    for file in data.draw(st.sets(st.sampled_from(sorted(chip.files)), max_size=2)):
        chip.files[file] = data.draw(of(chip.files[file]))
    nonsense = data.draw(st.dictionaries(st.integers(0, 40), st.binary(max_size=120), max_size=2))
    asked = 0

    def answer(command: bytes) -> bytes:
        nonlocal asked
        asked += 1
        return nonsense.get(asked, None) or chip.answer(command)

    with contextlib.suppress(*ALLOWED):
        play(read_travel_document(KEY, ANCHORS, today=TODAY, random=same_again), answer)
    assert asked < 200


@pytest.mark.parametrize(
    ("parser", "content"),
    [
        (judge, tlv(0x77, tlv(0x30, bytes(LARGE)))),
        (judge, tlv(0x77, b"\x30\x03\x02\x01\x00" * (LARGE // 5))),
        (judge, tlv(0x77, b"\x30\x84\x00\x0f\xff\xff" * (LARGE // 6))),
        (portrait_of, tlv(0x75, b"\x02\x01\x01" * (LARGE // 3))),
        (portrait_of, tlv(0x75, tlv(0x7F61, tlv(0x7F60, tlv(0x5F2E, b"\xff\xd8" * (LARGE // 2)))))),
        (portrait_of, b"\x7f\x61\x84\x00\x00\x00\x00" * (LARGE // 7)),
    ],
)
def test_memory_is_bounded_by_the_file(parser: Callable[[bytes], object], content: bytes) -> None:
    tracemalloc.start()
    try:
        with contextlib.suppress(*ALLOWED):
            parser(content)
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()

"""Password Authenticated Connection Establishment (Doc 9303-11 clause 4.4), generic mapping.

Of what a chip offers in EF.CardAccess this speaks ECDH and DH with generic mapping, 3DES and AES of each length. A
chip that offers chip authentication mapping (CAM) offers generic mapping too (clause 4.4.1); one with integrated
mapping alone is opened by BAC.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devices.chip.emrtd import ber
from devices.chip.emrtd.conversation import DONE
from devices.chip.emrtd.keys import MrzKey
from devices.chip.emrtd.parameters import GROUPS
from devices.chip.emrtd.secure_messaging import Channel, Command
from devices.chip.emrtd.suites import Algorithm, Purpose, decrypt_once, derive_key, suite_of
from devices.chip.tlv import unreadable
from devices.errors import DeviceCode, MediumError

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.chip import Dialogue
    from devices.chip.emrtd.conversation import Conversation
    from devices.chip.emrtd.groups import Group
    from devices.chip.emrtd.keys import AccessKey

SET, SEQUENCE, OBJECT_IDENTIFIER, INTEGER = 0x31, 0x30, 0x06, 0x02
PACE = bytes.fromhex("04007F0007020204")  # 0.4.0.127.0.7.2.2.4, then mapping and cipher
DH_GENERIC, ECDH_GENERIC = 1, 2
VERSION = 2
MANAGE_ENVIRONMENT, SET_AUTHENTICATION = 0x22, (0xC1, 0xA4)
GENERAL_AUTHENTICATE, CHAINED = 0x86, 0x10
PROTOCOL, PASSWORD, PARAMETERS = 0x80, 0x83, 0x84
BY_MRZ, BY_CAN = b"\x01", b"\x02"
DYNAMIC_DATA, PUBLIC_KEY_OBJECT = 0x7C, 0x7F49
NONCE, OUR_MAPPING, THEIR_MAPPING, OUR_KEY, THEIR_KEY, OUR_TOKEN, THEIR_TOKEN = range(0x80, 0x87)
TRIES_LEFT = 0x63C0  # and how many, in the last digit
BLOCKED = frozenset({0x6983, 0x6984})
LARGEST_NONCE = 64  # bytes
NONCE_BLOCKS = {Algorithm.TRIPLE_DES: 8}  # bytes; 16 with AES


@dataclass(frozen=True, slots=True)
class Offer:
    """One way into the chip that this module speaks."""

    protocol: bytes  # the object identifier's octets
    algorithm: Algorithm
    parameters: int
    ambiguous: bool  # the chip has several sets of parameters: it has to be told which

    @property
    def group(self) -> Group:
        """Return the group to compute in."""
        return GROUPS[self.parameters]


def best_offer(card_access: bytes) -> Offer | None:
    """Return the strongest way that EF.CardAccess offers and this module speaks. Raises ``MediumError``."""
    offered: list[tuple[bytes, int]] = []
    for tag, info in ber.items(ber.find(card_access, SET)):
        fields = [value for field, value in ber.items(info) if field in {OBJECT_IDENTIFIER, INTEGER}]
        if tag == SEQUENCE and len(fields) == 3 and fields[0].startswith(PACE):  # noqa: PLR2004 - name, version, number
            version, parameters = int.from_bytes(fields[1]), int.from_bytes(fields[2])
            if version == VERSION and len(fields[0]) == len(PACE) + 2:
                offered.append((fields[0], parameters))
    ambiguous = len({parameters for _, parameters in offered}) > 1
    offers = [
        Offer(protocol, Algorithm(protocol[-1]), parameters, ambiguous)
        for protocol, parameters in offered
        if protocol[-2] in {DH_GENERIC, ECDH_GENERIC} and 1 <= protocol[-1] <= len(Algorithm) and parameters in GROUPS
    ]
    # Curves first, for their speed; then the longest key.
    return max(offers, key=lambda offer: (offer.protocol[-2], offer.algorithm.value), default=None)


class PaceUnusable(Exception):
    """The chip does not do what its EF.CardAccess offers: no fault yet, BAC is tried."""


def open_channel(
    conversation: Conversation, offer: Offer, key: AccessKey, random: Callable[[int], bytes]
) -> Dialogue[Channel]:
    """Prove that the password is known and return the channel.

    Raises ``PaceUnusable`` before the password was used; ``MediumError``: ``CHIP_ACCESS`` when the chip does not accept
    it (asked once), ``CARD_BLOCKED``, ``CARD_REFUSED`` when the chip's own proof is wrong.
    """
    group = offer.group
    yield from _choose(conversation, offer, key)
    enciphered = yield from _step(conversation, b"", NONCE)
    if not 0 < len(enciphered) <= LARGEST_NONCE or len(enciphered) % NONCE_BLOCKS.get(offer.algorithm, 16):
        raise unreadable("nonce is no whole blocks")
    password_key = derive_key(key.secret(), Purpose.PASSWORD, offer.algorithm)
    nonce = decrypt_once(offer.algorithm, password_key, enciphered)
    mapping = group.draw(random)
    theirs = yield from _exchange(conversation, group.public(mapping), OUR_MAPPING, THEIR_MAPPING)
    generator = group.map(nonce, mapping, theirs)
    secret = group.draw(random)
    our_key = group.public_on(generator, secret)
    their_key = yield from _exchange(conversation, our_key, OUR_KEY, THEIR_KEY)
    suite = suite_of(offer.algorithm, group.agree(secret, their_key))
    token = suite.token(_token_data(offer, their_key))
    answer = yield from conversation.ask(_authenticate(ber.encode(OUR_TOKEN, token), last=True))
    if answer.status != DONE:
        raise _not_accepted(answer.status)
    proof = ber.find(answer.data, DYNAMIC_DATA, THEIR_TOKEN)
    if not hmac.compare_digest(proof, suite.token(_token_data(offer, our_key))):
        raise MediumError("chip: the proof of its keys is wrong", code=DeviceCode.CARD_REFUSED)
    return Channel(suite, bytes(suite.block))


def _choose(conversation: Conversation, offer: Offer, key: AccessKey) -> Dialogue[None]:
    data = ber.encode(PROTOCOL, offer.protocol) + ber.encode(PASSWORD, BY_MRZ if isinstance(key, MrzKey) else BY_CAN)
    if offer.ambiguous:
        data += ber.encode(PARAMETERS, bytes((offer.parameters,)))
    answer = yield from conversation.ask(Command(MANAGE_ENVIRONMENT, *SET_AUTHENTICATION, data))
    if answer.status in BLOCKED:
        raise _not_accepted(answer.status)
    if answer.status != DONE and answer.status & 0xFFF0 != TRIES_LEFT:
        raise PaceUnusable


def _authenticate(data: bytes, *, last: bool = False) -> Command:
    return Command(GENERAL_AUTHENTICATE, 0, 0, ber.encode(DYNAMIC_DATA, data), le=256, cla=0 if last else CHAINED)


def _step(conversation: Conversation, data: bytes, wanted: int) -> Dialogue[bytes]:
    answer = yield from conversation.ask(_authenticate(data))
    if answer.status != DONE:
        raise unreadable(f"PACE: status {answer.status:04X}")
    return ber.find(answer.data, DYNAMIC_DATA, wanted)


def _exchange(conversation: Conversation, ours: bytes, tag: int, wanted: int) -> Dialogue[bytes]:
    """Send a public key, return the chip's; one that was merely sent back proves nothing."""
    theirs = yield from _step(conversation, ber.encode(tag, ours), wanted)
    if theirs == ours:
        raise MediumError("chip: sends our own key back", code=DeviceCode.CARD_REFUSED)
    return theirs


def _token_data(offer: Offer, key: bytes) -> bytes:
    content = ber.encode(OBJECT_IDENTIFIER, offer.protocol) + ber.encode(offer.group.key_tag, key)
    return ber.encode(PUBLIC_KEY_OBJECT, content)


def _not_accepted(status: int) -> MediumError:
    code = DeviceCode.CARD_BLOCKED if status in BLOCKED else DeviceCode.CHIP_ACCESS
    return MediumError(f"chip does not accept the printed data: status {status:04X}", code=code)

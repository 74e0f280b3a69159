"""Basic Access Control (Doc 9303-11 clause 4.3): who has read the zone shares two 3DES keys with the chip."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from devices.chip.emrtd.conversation import DONE
from devices.chip.emrtd.secure_messaging import Channel, Command
from devices.chip.emrtd.suites import Algorithm, suite_of
from devices.chip.tlv import unreadable
from devices.errors import DeviceCode, MediumError

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.chip import Dialogue
    from devices.chip.emrtd.conversation import Conversation
    from devices.chip.emrtd.keys import MrzKey

GET_CHALLENGE, EXTERNAL_AUTHENTICATE = 0x84, 0x82
CHALLENGE = 8
KEY = 16
SEED = 16
CRYPTOGRAM = 2 * CHALLENGE + KEY
PROOF = 8
NO_COUNTER = b""  # 3DES takes no vector from it


def open_channel(conversation: Conversation, key: MrzKey, random: Callable[[int], bytes]) -> Dialogue[Channel]:
    """Prove that the zone is known and return the channel; the application is selected.

    Raises ``MediumError``: ``CHIP_ACCESS`` when the chip does not accept the key (asked once: chips answer more
    and more slowly after wrong ones), ``CARD_REFUSED`` when the chip's own proof is wrong.
    """
    suite = suite_of(Algorithm.TRIPLE_DES, key.secret()[:SEED])
    challenge = yield from conversation.ask(Command(GET_CHALLENGE, 0, 0, le=CHALLENGE))
    if challenge.status != DONE or len(challenge.data) != CHALLENGE:
        raise unreadable(f"no challenge: status {challenge.status:04X}")
    ours, our_key = random(CHALLENGE), random(KEY)
    cryptogram = suite.encrypt(NO_COUNTER, ours + challenge.data + our_key)
    proven = cryptogram + suite.mac(suite.pad(cryptogram))
    answer = yield from conversation.ask(Command(EXTERNAL_AUTHENTICATE, 0, 0, proven, le=len(proven)))
    if answer.status != DONE:
        detail = f"chip does not accept the machine-readable zone: status {answer.status:04X}"
        raise MediumError(detail, code=DeviceCode.CHIP_ACCESS)
    cryptogram, proof = answer.data[:CRYPTOGRAM], answer.data[CRYPTOGRAM:]
    if len(answer.data) != CRYPTOGRAM + PROOF:
        raise unreadable("authentication answered with a wrong length")
    if not hmac.compare_digest(proof, suite.mac(suite.pad(cryptogram))):
        raise MediumError("chip: the proof of its authentication is wrong", code=DeviceCode.CARD_REFUSED)
    plain = suite.decrypt(NO_COUNTER, cryptogram)
    if plain[: 2 * CHALLENGE] != challenge.data + ours:
        raise MediumError("chip: its authentication is of another session", code=DeviceCode.CARD_REFUSED)
    seed = (int.from_bytes(our_key) ^ int.from_bytes(plain[2 * CHALLENGE :])).to_bytes(KEY)
    return Channel(suite_of(Algorithm.TRIPLE_DES, seed), challenge.data[-4:] + ours[-4:])

"""A simulated bank card: its directories, one application, two records. The card number is invented."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

PAN: Final = "6234567890123456780"
UNIONPAY_DEBIT: Final = bytes.fromhex("A000000333010101")
PROXIMITY, CONTACT = b"2PAY.SYS.DDF01", b"1PAY.SYS.DDF01"
DIRECTORY_FILE: Final = 1
OK, NOT_FOUND, NO_RECORD = b"\x90\x00", b"\x6a\x82", b"\x6a\x83"
CONDITIONS, NO_INSTRUCTION, BLOCKED = b"\x69\x85", b"\x6d\x00", b"\x62\x83"


@dataclass
class EmvChip:
    """One card. ``expiry``: YYMMDD. ``directory``: whether it says by itself what is on it."""

    pan: str = field(default=PAN, repr=False)
    expiry: str = "301231"
    aid: bytes = UNIONPAY_DEBIT
    directory: bool = True
    blocked: bool = False
    selected: bytes = field(default=b"", init=False)
    begun: bool = field(default=False, init=False)

    def reset(self) -> None:
        """Forget what was selected."""
        self.selected, self.begun = b"", False

    def answer(self, apdu: bytes) -> bytes:
        """Answer as the card would, whole."""
        match apdu[1]:
            case 0xA4:
                return self._select(apdu[5 : 5 + apdu[4]])
            case 0xA8:
                return self._begin(apdu)
            case 0xB2:
                return self._record(apdu[3] >> 3, apdu[2])
            case _:
                return NO_INSTRUCTION

    def _select(self, name: bytes) -> bytes:
        self.reset()
        entry = obj("61", obj("4F", self.aid), obj("50", b"UNIONPAY DEBIT"), obj("87", b"\x01"))
        if name == PROXIMITY and self.directory:
            self.selected = name
            return obj("6F", obj("84", name), obj("A5", obj("BF0C", entry))) + OK
        if name == CONTACT and self.directory:
            self.selected = name
            return obj("6F", obj("84", name), obj("A5", obj("88", bytes([DIRECTORY_FILE])))) + OK
        if not name or not self.aid.startswith(name):
            return NOT_FOUND
        self.selected = self.aid
        if self.blocked:
            return BLOCKED
        about = (
            obj("50", b"UNIONPAY DEBIT"),
            obj("87", b"\x01"),
            obj("5F2D", b"zhen"),
            obj("9F38", bytes.fromhex("9F6604")),
            obj("BF0C", obj("9F4D", bytes.fromhex("0B0A"))),
        )
        return obj("6F", obj("84", self.aid), obj("A5", *about)) + OK

    def _begin(self, apdu: bytes) -> bytes:
        if self.selected != self.aid or apdu[5:7] != b"\x83\x04":
            return CONDITIONS
        self.begun = True
        return obj("80", bytes.fromhex("7C00"), bytes.fromhex("0801010010010100")) + OK

    def _record(self, file: int, number: int) -> bytes:
        if self.selected == CONTACT:
            found = self._directory() if (file, number) == (DIRECTORY_FILE, 1) else b""
        elif self.begun:
            found = {(1, 1): self._track(), (2, 1): self._data()}.get((file, number), b"")
        else:
            return CONDITIONS
        return found + OK if found else NO_RECORD

    def _directory(self) -> bytes:
        return obj("70", obj("61", obj("4F", self.aid), obj("50", b"UNIONPAY DEBIT"), obj("87", b"\x01")))

    def _track(self) -> bytes:
        digits = f"{self.pan}D{self.expiry[:4]}2200000000"
        digits += "F" * (len(digits) % 2)
        name = obj("5F20", b"LI MING/")
        return obj("70", obj("57", bytes.fromhex(digits)), name, obj("9F1F", b"00000000"))

    def _data(self) -> bytes:
        number = self.pan + "F" * (len(self.pan) % 2)
        return obj(
            "70",
            obj("5A", bytes.fromhex(number)),
            obj("5F24", bytes.fromhex(self.expiry)),
            obj("5F25", bytes.fromhex("200101")),
            obj("5F34", b"\x01"),
            obj("8C", bytes.fromhex("9F02069F03069F1A0295055F2A029A039C019F3704")),
            obj("8E", bytes.fromhex("000000000000000042031E031F00")),
        )


def obj(tag: str, *parts: bytes) -> bytes:
    """Write one data object (BER-TLV)."""
    content = b"".join(parts)
    size = len(content)
    length = bytes([size]) if size < 0x80 else b"\x81" + bytes([size]) if size <= 0xFF else b"\x82" + size.to_bytes(2)  # noqa: PLR2004 - BER's lengths
    return bytes.fromhex(tag) + length + content

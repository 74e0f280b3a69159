"""A simulated social security card of the first, second or third generation. The people on it are invented."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

ENVIRONMENT: Final = b"sx1.sh." + "社会保障".encode("gbk")
ISSUER, HOLDER = 5, 6
OK, NOT_FOUND, NO_RECORD, CLOSED, NO_INSTRUCTION = b"\x90\x00", b"\x6a\x82", b"\x6a\x83", b"\x69\x82", b"\x6d\x00"
FREE_OF_GENERATION_3: Final = frozenset({1, 2, 3})  # records of the issuer's file


@dataclass
class SocialSecurityChip:
    """One card. ``guarded``: an older card whose city has closed the holder's file all the same."""

    version: str = "2.00"
    city: str = "999999"
    number: str = field(default="999999199003070012", repr=False)
    name: str = field(default="测试甲", repr=False)
    guarded: bool = False
    selected: bool = field(default=False, init=False)

    def reset(self) -> None:
        """Forget what was selected."""
        self.selected = False

    def answer(self, apdu: bytes) -> bytes:
        """Answer as the card would, whole."""
        match apdu[1]:
            case 0xA4:
                self.selected = apdu[5 : 5 + apdu[4]] == ENVIRONMENT
                return b"\x6f\x11\x84\x0f" + ENVIRONMENT + OK if self.selected else NOT_FOUND
            case 0xB2 if self.selected:
                return self._record(apdu[3] >> 3, apdu[2])
            case _:
                return NO_INSTRUCTION

    def _record(self, file: int, number: int) -> bytes:
        value = self._files().get(file, {}).get(number)
        if value is None:
            return NO_RECORD
        third = self.version >= "3"
        if (third and not (file == ISSUER and number in FREE_OF_GENERATION_3)) or (self.guarded and file == HOLDER):
            return CLOSED
        tag, content = value
        return bytes([tag, len(content)]) + content + OK

    def _files(self) -> dict[int, dict[int, tuple[int, bytes]]]:
        issuer = {
            1: (0x01, bytes.fromhex(self.city + "D156000005" + "0123456789ABCDEF")),
            2: (0x02, b"\x01"),
            3: (0x03, self.version.encode()),
            4: (0x04, bytes(12)),
            5: (0x05, bytes.fromhex("20200101")),
            6: (0x06, bytes.fromhex("20300101")),
            7: (0x07, b"A12345678"),
        }
        holder = {
            1: (0x08, self.number.encode()),
            2: (0x09, self.name.encode("gb18030").ljust(30, b"\0")),
        }
        return {ISSUER: issuer, HOLDER: holder}

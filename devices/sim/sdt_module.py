"""The security module inside the simulated reader: which card lies there, and what each command makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devices.sim.sdt_card import SimCard

MODULE_NUMBER = bytes.fromhex("0500 0300 06B43201 40E20100 B168DE3A")  # 05.03-20100102-0000123456-987654321


class SdtModule:
    """Knows how far find, select and read have come; answers with a status byte and data."""

    def __init__(self, *, lift_rule: bool) -> None:
        self.card: SimCard | None = None
        self._lift_rule = lift_rule
        self._found = self._selected = self._read = False

    def power_up(self) -> None:
        """Forget all but the card, which lies where it lies."""
        self._found = self._selected = self._read = False

    def lift(self) -> None:
        """Take the card away; a find or select that was done points to nothing from now on."""
        self.card = None
        self._read = False

    def fail(self, status: int) -> tuple[int, bytes]:
        """Carry out nothing; as after any failure, a new find is needed."""
        self._found = self._selected = False
        return status, b""

    def do(self, command: str) -> tuple[int, bytes]:
        """Carry out ``command``; return the status byte and the data of the reply."""
        match command:
            case "reset":
                return self.fail(0x90)
            case "status" | "sam_id" | "max_rf":
                return 0x90, MODULE_NUMBER if command == "sam_id" else b""
            case "find":
                return self._find()
            case "select":
                return self._select()
            case "read":
                return self._read_card()
            case _:
                return self._append()

    def _find(self) -> tuple[int, bytes]:
        if self.card is None or (self._read and self._lift_rule):
            return self.fail(0x80)
        self._found, self._selected = True, False
        return 0x9F, bytes(4)

    def _select(self) -> tuple[int, bytes]:
        if not self._found:
            return self.fail(0x21)
        if self.card is None:
            return self.fail(0x81)
        self._found, self._selected = False, True
        return 0x90, bytes(8)

    def _read_card(self) -> tuple[int, bytes]:
        if not self._selected:
            return self.fail(0x21)
        if self.card is None:
            return self.fail(0x41)
        self._selected, self._read = False, True
        text, photo = self.card.text, self.card.photo
        return 0x90, len(text).to_bytes(2, "big") + len(photo).to_bytes(2, "big") + text + photo

    def _append(self) -> tuple[int, bytes]:
        """No card has an appended address; only one that was read and still lies there says so."""
        return (0x91, b"") if self._read else self.fail(0x41)

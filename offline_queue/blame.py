"""Who is to blame when central says no: the item, or central itself. What passed since is the proof."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from offline_queue import wire

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

MANY_REFUSED: Final = 3  # different items refused with none accepted between: central is at fault, not the items
MANY_REJECTED: Final = 5  # the same for signed rejections


class Blame:
    """What is held against which item, in memory: after a restart the proof begins anew.

    A suspect is an item that was refused, or rejected together with too many others. It is guilty once another item was
    accepted after that. While there are many suspects and nothing was accepted since, central is in doubt.
    """

    def __init__(self) -> None:
        self._passes = 0  # replies by which something was accepted
        self._suspects: dict[int, int] = {}  # seq -> passes when it was first refused; in the order of their turns
        self._rejected: set[int] = set()  # rejected without proof since something was accepted, settled or not

    def suspect(self, seqs: Iterable[int]) -> None:
        """Central refused these."""
        for seq in seqs:
            self._suspects.setdefault(seq, self._passes)

    def is_proven(self, seq: int) -> bool:
        """Tell whether another item was accepted since this one was first refused."""
        return self._suspects.get(seq, self._passes) < self._passes

    def forget(self, seq: int) -> None:
        """Drop what is settled or set aside."""
        self._suspects.pop(seq, None)

    def central_in_doubt(self) -> bool:
        """Tell whether so much was refused, and nothing accepted since, that the items can hardly be the reason."""
        return len(self._unproven()) >= MANY_REFUSED or len(self._rejected) > MANY_REJECTED

    def doubtful(self, reply: wire.Reply) -> list[int]:
        """Return the rejections of a reply that are not to be believed yet; they are suspects from now on."""
        if any(word.outcome is wire.Verdict.ACCEPTED for word in reply.words):
            return []
        rejected = [word.seq for word in reply.words if word.outcome is wire.Verdict.REJECTED]
        # Said again after a pause, as what was said before: central has kept it, and it will never be another.
        final = {one.seq for one in reply.words if one.verdict is wire.Verdict.DUPLICATE and one.seq in self._suspects}
        unproven = [seq for seq in rejected if not self.is_proven(seq) and seq not in final]
        self._rejected.update(unproven)
        if len(self._rejected) <= MANY_REJECTED:
            return []
        self.suspect(unproven)
        return unproven

    def settled(self, delivered: Collection[int], rejected: Collection[int]) -> list[int]:
        """Take note of what a reply settled; return the suspects whose turn it is, since something was accepted."""
        for seq in (*delivered, *rejected):
            self.forget(seq)
        if not delivered:
            return []
        suspects = self._unproven()
        self._passes += 1
        self._rejected.clear()
        return suspects

    def next_turn(self) -> list[int]:
        """Return the suspect to try central with, if there is one; each has its turn."""
        first = self._unproven()[:1]
        for seq in first:
            self._suspects[seq] = self._suspects.pop(seq)
        return first

    def _unproven(self) -> list[int]:
        return [seq for seq, passes in self._suspects.items() if passes == self._passes]

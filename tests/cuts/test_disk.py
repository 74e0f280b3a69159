"""The model of the disk does what its docstring says, for each policy."""

from __future__ import annotations

import random

from tests.cuts.disk import SECTOR, Disk, Policy
from tests.cuts.recorder import Event, Op


def disk(*events: tuple[Op, int, int, bytes], before: dict[str, bytes] | None = None) -> Disk:
    made = Disk(before)
    for event in events:
        made.apply(Event(*event))
    return made


def image(made: Disk, policy: Policy, seed: int = 0) -> dict[str, bytes]:
    luck = random.Random(seed)  # noqa: S311 - the same image for the same seed
    return {name: content.whole() for name, content in made.image(policy, luck).items()}


def mixed(made: Disk, rounds: int = 400) -> list[dict[str, bytes]]:
    return [image(made, Policy.MIXED, seed) for seed in range(rounds)]


def test_a_file_whose_name_was_not_flushed_is_lost_with_its_flushed_content() -> None:
    made = disk((Op.CREATE, 1, 0, b"a"), (Op.WRITE, 1, 0, b"x"), (Op.FLUSH, 1, 0, b""))
    assert image(made, Policy.LOST) == {}
    assert image(made, Policy.KEPT) == {"a": b"x"}
    assert {frozenset(found.items()) for found in mixed(made)} == {frozenset(), frozenset({("a", b"x")})}


def test_only_what_was_flushed_before_the_cut_is_durable() -> None:
    made = disk((Op.OPEN, 1, 0, b"a"), (Op.WRITE, 1, 1, b"XY"), (Op.FLUSH, 1, 0, b""), before={"a": b"abc"})
    made.apply(Event(Op.WRITE, 1, 3, b"Z"))
    made.apply(Event(Op.RESIZE, 1, 2, b""))
    assert image(made, Policy.LOST) == {"a": b"aXY"}
    assert image(made, Policy.KEPT) == {"a": b"aX"}
    assert {found["a"] for found in mixed(made)} == {b"aXY", b"aXYZ", b"aX", b"aXY\0"}


def test_a_torn_write_is_old_or_new_in_each_sector_and_never_between() -> None:
    old, new = b"o" * (SECTOR * 4), b"n" * (SECTOR * 2)
    made = disk((Op.OPEN, 1, 0, b"a"), (Op.WRITE, 1, SECTOR // 2, new), before={"a": old})
    found = {content["a"] for content in mixed(made)}
    half, whole = SECTOR // 2, SECTOR
    assert {(one[half], one[whole], one[2 * whole]) for one in found} == {
        (a, b, c) for a in b"on" for b in b"on" for c in b"on"
    }
    for one in found:
        assert one[:half] == old[:half]
        assert one[2 * whole + half :] == old[2 * whole + half :]
        assert all(
            len(set(one[a:b])) == 1 for a, b in ((half, whole), (whole, 2 * whole), (2 * whole, 2 * whole + half))
        )


def test_a_later_write_can_be_there_without_an_earlier_one() -> None:
    made = disk((Op.OPEN, 1, 0, b"a"), (Op.WRITE, 1, 0, b"1"), (Op.WRITE, 1, 1, b"2"), before={"a": b"--"})
    assert {found["a"] for found in mixed(made)} == {b"--", b"1-", b"-2", b"12"}


def test_names_are_lost_from_the_end_only() -> None:
    made = disk(
        (Op.CREATE, 1, 0, b"new"),
        (Op.CREATE, 2, 0, b""),  # stands for the folder's handle
        (Op.RENAME, 0, 0, b"new\0a"),
        (Op.REMOVE, 0, 0, b"b"),
        before={"a": b"old", "b": b"x"},
    )
    names = {tuple(sorted(name for name in found if name)) for found in mixed(made)}
    assert names == {("a", "b"), ("a", "b", "new"), ("a",)}


def test_a_flush_of_the_folder_keeps_all_names_so_far() -> None:
    made = disk((Op.OPEN, 9, 0, b""), (Op.CREATE, 1, 0, b"a"), (Op.REMOVE, 0, 0, b"b"), before={"b": b"x"})
    assert image(made, Policy.LOST) == {"b": b"x"}
    made.apply(Event(Op.FLUSH, 9, 0, b""))
    assert image(made, Policy.LOST) == {"a": b""}


def test_reserved_room_is_zeros_and_can_be_lost() -> None:
    made = disk((Op.OPEN, 1, 0, b"a"), (Op.GROW, 1, 6, b""), before={"a": b"x"})
    assert image(made, Policy.KEPT) == {"a": b"x" + bytes(5)}
    assert {found["a"] for found in mixed(made)} == {b"x", b"x" + bytes(5)}


def test_a_lying_disk_flushes_nothing() -> None:
    made = Disk({"a": b"x"})
    made.lying = True
    for event in (Event(Op.OPEN, 1, 0, b"a"), Event(Op.WRITE, 1, 0, b"y"), Event(Op.FLUSH, 1, 0, b"")):
        made.apply(event)
    assert image(made, Policy.LOST) == {"a": b"x"}

"""Keys of central in rotation: items sealed before still open, receipts are signed by keys known in advance."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from central import rotation
from central.__main__ import main
from central.keys import load_keys
from central.usage import holders
from offline_queue import wire
from offline_queue.wire import Verdict
from tests.central.terminal_side import START, TerminalSide, side_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from central.office import Office


def close(office: Office) -> None:
    office.restores.close()
    office.store.close()


def send(office: Office, side: TerminalSide, *items: wire.Item) -> wire.Reply:
    return wire.decode_reply(office.intake.take(side.kiosk, side.batch(*items)).reply)


def restart_terminal(office: Office, side: TerminalSide) -> None:
    """Let the terminal read its new file, as at its next start."""
    side.key_id = office.keys.seal_key_id
    side.key = wire.sealing_key_bytes(office.keys.sealing_key.public_key())


def anchors(office: Office) -> Any:
    return json.loads((office.enrolment.folder("K0001") / "central.json").read_text())


def test_fault_40_items_sealed_before_a_rotation_are_opened_after_it(
    build_office: Callable[..., Office], tmp_path: Path
) -> None:
    """Fault 40. The key is rotated with items queued: each is opened by the key it names; old keys are kept."""
    office = build_office()
    side = side_of(office, "K0001")
    queued = [side.alarm(f"code{number}") for number in range(3)]
    for _ in range(2):
        close(office)
        assert main(["rotate-sealing-key", "--data", str(tmp_path / "data")]) == 0
        office = build_office()
    queued.append(side.alarm("still-the-first-key"))
    restart_terminal(office, side)
    queued.append(side.alarm("the-third-key"))
    assert [word.verdict for word in send(office, side, *queued).words] == [Verdict.ACCEPTED] * 5
    assert len({item.key_id for item in queued}) == 2
    assert len(office.keys.sealing_keys) == 3
    assert anchors(office)["seal_key_id"] == office.keys.seal_key_id


def test_fault_40_a_key_may_go_when_no_terminal_can_report_anything_older(
    build_office: Callable[..., Office], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fault 40. Nothing is deleted by itself; the list says which terminals a key is kept for."""
    office = build_office()
    one, two = side_of(office, "K0001"), side_of(office, "K0002")
    first = office.keys.seal_key_id
    close(office)
    rotation.rotate_sealing_key(tmp_path / "data" / "keys")
    office = build_office()
    second = office.keys.seal_key_id

    def kept_for(key: str) -> list[str]:
        with office.store.read() as session:
            return holders(session, office.keys)[key]

    assert kept_for(first) == ["K0001", "K0002"]
    late = one.alarm("late")
    restart_terminal(office, one)
    send(office, one, one.alarm("new"))
    assert kept_for(first) == ["K0001", "K0002"]  # number 1 may still come
    send(office, one, late)
    assert (kept_for(first), kept_for(second)) == (["K0002"], ["K0001", "K0002"])
    assert main(["keys", "list", "--data", str(tmp_path / "data")]) == 0
    assert capsys.readouterr().out == f"{first}  needed: items may still come from K0002\n{second}  present\n"
    restart_terminal(office, two)
    send(office, two, two.alarm("new"))
    assert main(["keys", "list", "--data", str(tmp_path / "data")]) == 0
    assert "may go" in capsys.readouterr().out


def test_a_terminal_knows_the_next_receipt_key_before_it_signs(
    build_office: Callable[..., Office], tmp_path: Path
) -> None:
    office = build_office()
    side = side_of(office, "K0001")
    told = anchors(office)
    before = {
        name: Ed25519PublicKey.from_public_bytes(base64.b64decode(key)) for name, key in told["receipt_keys"].items()
    }
    assert told["receipt_keys"][told["receipt_key_id"]] == told["receipt_public_key"]
    assert len(before) == 2
    wire.verify_reply(before, send(office, side))
    close(office)
    assert main(["rotate-receipt-key", "--data", str(tmp_path / "data")]) == 0
    office = build_office()
    assert office.keys.receipt_key_id != told["receipt_key_id"]
    wire.verify_reply(before, send(office, side))  # the terminal has not been told anything since
    assert set(anchors(office)["receipt_keys"]) > set(before)  # old receipts can still be checked


@pytest.mark.parametrize("cut_at", [1, 2, 3])
def test_a_rotation_cut_short_loses_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut_at: int) -> None:
    load_keys(tmp_path, START)
    folder = tmp_path / "keys"
    keys = load_keys(tmp_path, START)
    writes, write = 0, rotation.write_private

    def cut(path: Path, content: bytes) -> None:
        nonlocal writes
        writes += 1
        if writes == cut_at:
            raise OSError("the power went")
        write(path, content)

    for rotate in (rotation.rotate_sealing_key, rotation.rotate_receipt_key):
        writes = 0
        with monkeypatch.context() as patched:
            patched.setattr(rotation, "write_private", cut)
            try:
                rotate(folder)
            except OSError:
                assert writes == cut_at
        found = load_keys(tmp_path, START)
        assert set(found.sealing_keys) >= set(keys.sealing_keys)
        assert set(found.receipt_keys) >= set(keys.receipt_keys)
        assert found.receipt_key_id in keys.receipt_keys
        rotate(folder)  # and it can be done again
        assert set(load_keys(tmp_path, START).sealing_keys) >= set(found.sealing_keys)

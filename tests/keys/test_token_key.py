"""The kiosk's key in a token: never read out, found again, lost and found, and no token locked by our own doing."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import shlex
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pkcs11
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from kiosk.keys import KeyCode, KeyStoreError, TokenKey
from kiosk.keys.session import TokenSession

PIN = "8d1f4c0a96e2b7735a0c4be91d2f6388"
MESSAGE = b"what the kiosk says"


@pytest.fixture
def opened():
    """Open keys that are closed in the end, whatever comes."""
    keys = []

    def open_one(place, *, create=False, **options):
        key = TokenKey.open(place, create=create, **options)
        keys.append(key)
        return key

    yield open_one
    for key in keys:
        key.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "kiosk-key"]


def check(key: TokenKey, message: bytes = MESSAGE) -> None:
    key.public_key().verify(key.sign(message), message, ec.ECDSA(SHA256()))


def refusal(code: KeyCode, act) -> KeyStoreError:
    with pytest.raises(KeyStoreError) as caught:
        act()
    assert caught.value.code is code, str(caught.value)
    assert caught.value.remedy
    assert PIN not in str(caught.value)
    return caught.value


def test_a_key_made_in_the_token_signs_what_cryptography_verifies(token, opened):
    key = opened(token.place, create=True)
    check(key)
    check(key, b"")
    check(key, b"x" * 100_000)
    assert key.kind == "token"
    assert key.key_id in key.describe()
    assert "copied disk cannot" in key.describe()


def test_the_next_start_finds_the_same_key_and_makes_no_second(token, opened):
    first = opened(token.place, create=True)
    first.close()
    second = opened(token.place, create=True)
    assert second.key_id == first.key_id
    assert second.public_key().public_numbers() == first.public_key().public_numbers()
    check(second)


def test_the_private_key_cannot_be_read_out_by_whoever_has_the_pin(token, opened):
    key = opened(token.place, create=True)
    key.close()
    library = pkcs11.lib(str(token.place.module))
    try:
        session = library.get_token(token_label=token.place.token_label).open(rw=True, user_pin=PIN)
        (private,) = session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY})
        assert private[pkcs11.Attribute.SENSITIVE] is True
        assert private[pkcs11.Attribute.ALWAYS_SENSITIVE] is True
        assert private[pkcs11.Attribute.EXTRACTABLE] is False
        assert private[pkcs11.Attribute.NEVER_EXTRACTABLE] is True
        assert private[pkcs11.Attribute.LOCAL] is True
        assert private[pkcs11.Attribute.SIGN] is True
        assert not private[pkcs11.Attribute.DERIVE]
        for turned in (False, True):
            if turned:  # SoftHSM refuses to be told otherwise; the TPM's module takes it down, and has nothing to give
                with contextlib.suppress(pkcs11.PKCS11Error):
                    private[pkcs11.Attribute.EXTRACTABLE] = True
                with contextlib.suppress(pkcs11.PKCS11Error):
                    private[pkcs11.Attribute.SENSITIVE] = False
            with pytest.raises((pkcs11.AttributeSensitive, pkcs11.AttributeTypeInvalid)):
                private[pkcs11.Attribute.VALUE]
    finally:
        library.finalize()


def test_neither_store_on_disk_holds_the_private_number(tpm, opened, tmp_path):
    """A copied disk of a kiosk with a TPM: the module's store is all there is, and it signs nothing elsewhere."""
    key = opened(tpm.place, create=True)
    key.close()
    tpm.stop()
    for path in (tpm.folder / "tpm2-00.permall", *tpm.folder.glob(".lock")):
        path.unlink(missing_ok=True)  # another machine: another TPM, the same disk
    tpm.start()
    refusal(KeyCode.TOKEN, lambda: opened(tpm.place))


def test_a_missing_key_is_told_and_not_made_in_passing(token, opened):
    assert "tongban-kiosk" in refusal(KeyCode.MISSING, lambda: opened(token.place)).detail
    assert "tongban-kiosk" not in token.say("--list-objects")


def test_a_token_that_is_not_there_is_told_with_those_that_are(token, opened):
    wrong = dataclasses.replace(token.place, token_label="elsewhere")  # noqa: S106 - a name, no secret
    assert "kiosk-test" in refusal(KeyCode.TOKEN, lambda: opened(wrong)).detail


def test_two_keys_of_one_label_are_not_guessed_between(soft, opened):
    opened(soft.place, create=True).close()
    soft.say("--keypairgen", "--key-type", "EC:prime256v1", "--label", soft.place.key_label, "--id", "77")
    assert refusal(KeyCode.TOKEN, lambda: opened(soft.place)).detail.startswith("2 private keys")


def test_a_key_on_another_curve_is_refused(soft, opened):
    soft.say("--keypairgen", "--key-type", "EC:secp384r1", "--label", soft.place.key_label, "--id", "77")
    refusal(KeyCode.WRONG_KIND, lambda: opened(soft.place))


def test_a_key_the_token_would_hand_out_is_refused(soft, opened):
    label = ("--label", soft.place.key_label, "--id", "77")
    soft.say("--keypairgen", "--key-type", "EC:prime256v1", "--extractable", *label)
    refusal(KeyCode.EXPOSED, lambda: opened(soft.place))


def test_a_public_half_of_another_pair_is_found_out_at_the_start(soft, opened):
    ours, other = ("--id", "77"), ("--id", "78")
    kind = ("--keypairgen", "--key-type", "EC:prime256v1")
    soft.say(*kind, "--label", soft.place.key_label, *ours)
    soft.say(*kind, "--label", "other", *other)
    soft.say("--delete-object", "--type", "pubkey", *ours)
    soft.say("--delete-object", "--type", "privkey", *other)
    refusal(KeyCode.MISSING, lambda: opened(soft.place))
    library = pkcs11.lib(str(soft.place.module))
    try:
        session = library.get_token(token_label=soft.place.token_label).open(rw=True, user_pin=PIN)
        (public,) = session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PUBLIC_KEY})
        public[pkcs11.Attribute.ID] = b"\x77"
    finally:
        library.finalize()
    refusal(KeyCode.WRONG_KIND, lambda: opened(soft.place))


@pytest.mark.parametrize("content", ["000000\n", "0", f"{PIN}0"])
def test_a_wrong_pin_is_presented_once_and_no_more(soft, opened, content):
    opened(soft.place, create=True).close()
    soft.place.pin_file.write_text(content)
    assert "PinIncorrect" in refusal(KeyCode.PIN, lambda: opened(soft.place)).detail
    # The next start: the token tells that a wrong one was presented, and the terminal presents none.
    assert "given a wrong PIN before" in refusal(KeyCode.PIN, lambda: opened(soft.place)).detail
    soft.place.pin_file.write_text(PIN)
    refusal(KeyCode.PIN, lambda: opened(soft.place))
    check(opened(soft.place, insist=True))


def test_a_log_in_by_hand_ends_the_terminals_reserve(soft, opened):
    opened(soft.place, create=True).close()
    soft.place.pin_file.write_text("000000")
    refusal(KeyCode.PIN, lambda: opened(soft.place))
    soft.place.pin_file.write_text(PIN)
    soft.say("--list-objects")
    check(opened(soft.place))


def test_a_pin_refused_on_the_way_is_not_presented_again_by_this_process(soft):
    session = TokenSession(soft.place)
    session.connect(create=True)
    session.disconnect()
    soft.place.pin_file.write_text("000000")
    assert "PinIncorrect" in refusal(KeyCode.PIN, lambda: session.sign(MESSAGE)).detail
    soft.say("--list-objects")  # the right one, by hand: the token's own mark is gone
    soft.place.pin_file.write_text(PIN)
    refusal(KeyCode.PIN, lambda: session.sign(MESSAGE))


def test_a_wrong_pin_at_a_tpm_is_told_for_what_it_is(tpm, opened):
    tpm.place.pin_file.write_text("000000")
    assert "PinIncorrect" in refusal(KeyCode.PIN, lambda: opened(tpm.place, create=True)).detail


def test_a_locked_tpm_is_told_with_its_way_out(tpm, opened):
    opened(tpm.place, create=True).close()
    tpm.place.pin_file.write_text("000000")
    said = ""
    for _ in range(5):  # swtpm locks after three
        said = refusal(KeyCode.PIN, lambda: opened(tpm.place)).detail
        if "PinLocked" in said:
            break
    assert "PinLocked" in said


def test_power_cuts_do_not_lock_a_tpm_prepared_as_the_how_to_says(tpm, opened):
    """A TPM counts each stop without a farewell as one wrong PIN (TPM 2.0 Library, part 1, 19.8): three lock it."""
    how_to = (Path(__file__).parents[2] / "docs/how-to/keys.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^ *(tpm2_dictionarylockout --setup-parameters .*)$", how_to, re.MULTILINE)
    tpm.tell(*shlex.split(command))
    opened(tpm.place, create=True).close()
    for _ in range(6):
        tpm.stop()
        tpm.start()
        key = opened(tpm.place)
        check(key)
        key.close()
    assert "TPM2_PT_LOCKOUT_COUNTER: 0x6" in tpm.tell("tpm2_getcap", "properties-variable")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_pin_others_can_read_is_no_pin(soft, opened, mode):
    soft.place.pin_file.chmod(mode)
    refusal(KeyCode.EXPOSED, lambda: opened(soft.place, create=True))


@pytest.mark.parametrize("content", [b"", b"\n", f"{PIN}\n{PIN}\n".encode(), b"\xff\xfe"])
def test_a_pin_file_that_holds_no_pin_presents_none(soft, opened, content):
    soft.place.pin_file.write_bytes(content)
    refusal(KeyCode.PIN, lambda: opened(soft.place, create=True))
    soft.place.pin_file.write_text(PIN)
    check(opened(soft.place, create=True))


def test_a_missing_pin_file_is_told(soft, opened):
    soft.place.pin_file.unlink()
    refusal(KeyCode.PIN, lambda: opened(soft.place, create=True))


def test_a_module_that_is_not_there_or_is_none_is_told(soft, opened, tmp_path):
    none = tmp_path / "none.so"
    refusal(KeyCode.MODULE, lambda: opened(dataclasses.replace(soft.place, module=none)))
    none.write_text("not a library")
    none.chmod(0o644)
    refusal(KeyCode.MODULE, lambda: opened(dataclasses.replace(soft.place, module=none)))
    refusal(KeyCode.MODULE, lambda: opened(dataclasses.replace(soft.place, module=tmp_path)))
    refusal(KeyCode.MODULE, lambda: opened(dataclasses.replace(soft.place, module=Path("libsofthsm2.so"))))


def test_a_module_others_can_change_is_not_loaded(soft, opened, tmp_path):
    copy = tmp_path / "copy.so"
    shutil.copyfile(soft.place.module, copy)
    copy.chmod(0o666)
    refusal(KeyCode.EXPOSED, lambda: opened(dataclasses.replace(soft.place, module=copy)))


def test_a_tpm_begun_anew_is_opened_again_without_a_word(tpm, opened):
    key = opened(tpm.place, create=True)
    check(key)
    tpm.stop()
    tpm.start()
    check(key)


def test_a_tpm_that_is_gone_is_told_and_used_again_when_it_is_back(tpm, opened):
    key = opened(tpm.place, create=True)
    tpm.stop()
    for _ in range(2):
        refusal(KeyCode.TOKEN, lambda: key.sign(MESSAGE))
    tpm.start()
    check(key)


def test_a_tpm_that_hangs_costs_the_deadline_and_not_the_terminal(tpm, opened):
    key = opened(tpm.place, create=True, sign_wait_s=0.5)
    tpm.freeze()
    try:
        refusal(KeyCode.NO_ANSWER, lambda: key.sign(MESSAGE))
        refusal(KeyCode.NO_ANSWER, lambda: key.sign(MESSAGE))
        refusal(KeyCode.IN_USE, lambda: opened(tpm.place))
    finally:
        tpm.thaw()
    key._wait_s = 20
    check(key)


def test_a_key_swapped_while_the_token_was_away_is_not_signed_with(soft):
    session = TokenSession(soft.place)
    session.connect(create=True)
    session.disconnect()
    soft.say("--delete-object", "--type", "privkey", "--label", soft.place.key_label)
    soft.say("--delete-object", "--type", "pubkey", "--label", soft.place.key_label)
    soft.say("--keypairgen", "--key-type", "EC:prime256v1", "--label", soft.place.key_label, "--id", "77")
    refusal(KeyCode.CHANGED, lambda: session.sign(MESSAGE))
    refusal(KeyCode.CHANGED, lambda: session.sign(MESSAGE))


def test_many_threads_sign_at_a_time(token, opened):
    key = opened(token.place, create=True)
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda i: check(key, b"%d" % i), range(64)):
            pass


def test_a_second_key_on_a_module_is_refused_until_the_first_is_closed(soft, opened):
    first = opened(soft.place, create=True)
    refusal(KeyCode.IN_USE, lambda: opened(soft.place))
    check(first)
    first.close()
    check(opened(soft.place))


def test_a_closed_key_signs_nothing_and_closes_twice(soft, opened):
    key = opened(soft.place, create=True)
    key.close()
    key.close()
    refusal(KeyCode.CLOSED, lambda: key.sign(MESSAGE))


@pytest.mark.parametrize("done", ["sign", "close"])
def test_a_token_that_hangs_does_not_keep_the_process_from_ending(tpm, opened, done):
    """Neither a call that hangs nor the farewell may hold the interpreter's lock: nothing else would run any more."""
    opened(tpm.place, create=True).close()
    place = tpm.place
    program = (
        "import pathlib, sys\n"
        "from kiosk.keys import KeyStoreError, TokenKey, TokenPlace, token\n"
        "token.CLOSE_WAIT_S = 0.3\n"
        "module, label, key_label, pin, done = sys.argv[1:]\n"
        "place = TokenPlace(module=pathlib.Path(module), token_label=label, key_label=key_label,"
        " pin_file=pathlib.Path(pin))\n"
        "key = TokenKey.open(place, create=False, sign_wait_s=0.3)\n"
        "print('open', flush=True)\n"
        "sys.stdin.readline()\n"
        "try:\n"
        "    key.sign(b'x') if done == 'sign' else key.close()\n"
        "except KeyStoreError as error:\n"
        "    print(error.code)\n"
        "print('end', flush=True)\n"
    )
    arguments = [str(place.module), place.token_label, place.key_label, str(place.pin_file), done]
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout.readline() == "open\n"
            tpm.freeze()
            said = process.communicate("\n", timeout=20)[0]
            assert said.split() == (["key.no_answer", "end"] if done == "sign" else ["end"])
            assert process.returncode == 0
        finally:
            process.kill()
            tpm.thaw()

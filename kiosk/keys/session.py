"""What is said to a token: find the key, make it, judge it, sign. Runs in one thread, see ``kiosk/keys/token.py``."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import secrets
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import pkcs11
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass, TokenFlag

from kiosk.keys.file import OTHERS_WRITE, read_private
from kiosk.keys.port import KeyCode, KeyStoreError
from offline_queue.wire import SignatureError, canonical, verify

if TYPE_CHECKING:
    from pathlib import Path

P256: Final = bytes.fromhex("06082a8648ce3d030107")
"""CKA_EC_PARAMS of the curve: the DER of its name, OID 1.2.840.10045.3.1.7 (RFC 5480, 2.1.1.1)."""
POINT_BYTES: Final = 65
"""04, x, y: SEC 1, 2.3.3, uncompressed. CKA_EC_POINT wraps it in an OCTET STRING; some modules forget to."""
COORDINATE_BYTES: Final = 32
ID_BYTES: Final = 8  # CKA_ID ties the two halves of a pair together


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPlace:
    """Where the key is. ``pin_file`` holds the user PIN on one line; it is its owner's alone (0600 or 0400)."""

    module: Path
    token_label: str
    key_label: str
    pin_file: Path


class TokenSession:
    """One login at the token, made anew when it was lost. Every failure is a ``KeyStoreError``."""

    def __init__(self, place: TokenPlace) -> None:
        self._place = place
        self._module: Any = None  # the binding gives no name to the type of a loaded module, and none to what a
        self._private: Any = None  # private key can do: that hangs on the token
        self._mechanism = Mechanism.ECDSA
        self._public: ec.EllipticCurvePublicKey | None = None
        self._final: KeyStoreError | None = None

    def connect(self, *, create: bool = False, insist: bool = False) -> ec.EllipticCurvePublicKey:
        """Log in, find or make the key, and see that its two halves fit. Return the public half.

        ``insist``: present the PIN although the token reports an earlier wrong one.
        """
        if self._final is not None:
            raise KeyStoreError(self._final.code, self._final.detail, self._final.remedy)
        try:
            self._module = _loaded(self._place.module)
            token = self._token()
            session = self._login(token, writing=create, insist=insist)
            mechanisms = token.slot.get_mechanisms()
            self._mechanism = Mechanism.ECDSA if Mechanism.ECDSA in mechanisms else Mechanism.ECDSA_SHA256
            private = self._find(session)
            if private is None:
                private = self._make(session, create=create)
            public = self._judged(session, private)
            self._private = private
        except KeyStoreError:
            self.disconnect()
            raise
        except RuntimeError as error:  # the root of what the binding raises
            self.disconnect()
            raise self._trouble(error) from error
        self._public = public
        return public

    def sign(self, message: bytes) -> bytes:
        """Return a DER signature; open the token again, once, when it was lost."""
        if self._private is not None:
            try:
                return self._signed(self._private, message)
            except RuntimeError:  # session lost, token taken out, TPM begun anew: the second try says what it is
                self.disconnect()
        self.connect()
        try:
            return self._signed(self._private, message)
        except RuntimeError as error:
            self.disconnect()
            raise self._trouble(error) from error

    def disconnect(self) -> None:
        """Close every session and log out, by ending the module's use (C_Finalize)."""
        self._private = None
        module, self._module = self._module, None
        if module is None:
            return
        # The binding holds the interpreter's lock in this one call: a token that hangs would stop the whole terminal.
        # So the module is ended past it first; what the binding then does returns at once and brings it up to date.
        with contextlib.suppress(OSError, AttributeError):  # a module may export no more than C_GetFunctionList
            ctypes.CDLL(module.so).C_Finalize(None)
        with contextlib.suppress(RuntimeError):  # "not initialised": just so
            module.finalize()

    def _token(self) -> pkcs11.Token:
        label = self._place.token_label
        found = [*self._module.get_tokens(token_label=label)]
        if len(found) == 1:
            return cast("pkcs11.Token", found[0])
        present = ", ".join(sorted({f"“{token.label}”" for token in self._module.get_tokens() if token.label}))
        raise KeyStoreError(
            KeyCode.TOKEN,
            f"{len(found) or 'no'} tokens are labelled “{label}”; present: {present or 'none'}",
            "set keys.token to the label of one token; docs/how-to/keys.md says how to make one",
        )

    def _login(self, token: pkcs11.Token, *, writing: bool, insist: bool) -> pkcs11.Session:
        flags = token.flags
        if TokenFlag.USER_PIN_FINAL_TRY in flags or (TokenFlag.USER_PIN_COUNT_LOW in flags and not insist):
            raise KeyStoreError(
                KeyCode.PIN,
                f"the token “{token.label}” was given a wrong PIN before; ours is not tried, for the token would lock",
                f"log in once by hand with the PIN of {self._place.pin_file}: pkcs11-tool --login --list-objects",
            )
        try:
            return token.open(rw=writing, user_pin=_pin(self._place.pin_file))
        except (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange, pkcs11.PinExpired) as error:
            self._final = KeyStoreError(
                KeyCode.PIN,
                f"the token “{token.label}” refuses the PIN ({type(error).__name__}); it is not tried again",
                f"put the right PIN into {self._place.pin_file}, log in once by hand with it, then start again",
            )
            raise self._final from None
        except (pkcs11.PinLocked, pkcs11.UserPinNotInitialized) as error:
            raise KeyStoreError(
                KeyCode.PIN,
                f"the token “{token.label}” lets nobody in ({type(error).__name__})",
                "a TPM lets in again after its recovery time; else unlock it as its security officer"
                " (docs/how-to/keys.md)",
            ) from None

    def _find(self, session: pkcs11.Session) -> Any:
        label = self._place.key_label
        found = [*session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.LABEL: label})]
        if len(found) > 1:
            raise KeyStoreError(
                KeyCode.TOKEN, f"{len(found)} private keys are labelled “{label}”", "delete the ones not enrolled"
            )
        return found[0] if found else None

    def _make(self, session: pkcs11.Session, *, create: bool) -> Any:
        if not create:
            raise KeyStoreError(
                KeyCode.MISSING,
                f"no private key in the token “{self._place.token_label}” is labelled “{self._place.key_label}”",
                "make one, and enrol the kiosk again: docs/how-to/keys.md",
            )
        parameters = session.create_domain_parameters(KeyType.EC, {Attribute.EC_PARAMS: P256}, local=True)
        # pkcs11.DEFAULT leaves an attribute out: modules for TPMs refuse those a TPM has no say in, even when false.
        parameters.generate_keypair(
            store=True,
            label=self._place.key_label,
            id=secrets.token_bytes(ID_BYTES),
            mechanism=Mechanism.EC_KEY_PAIR_GEN,
            capabilities=MechanismFlag.SIGN | MechanismFlag.VERIFY,
            private_template={
                Attribute.SENSITIVE: True,
                Attribute.EXTRACTABLE: False,
                Attribute.SIGN: True,
                Attribute.DERIVE: False,
                Attribute.DECRYPT: pkcs11.DEFAULT,
                Attribute.UNWRAP: pkcs11.DEFAULT,
            },
            public_template={
                Attribute.VERIFY: pkcs11.DEFAULT,
                Attribute.ENCRYPT: pkcs11.DEFAULT,
                Attribute.WRAP: pkcs11.DEFAULT,
            },
        )
        made = self._find(session)
        if made is None:
            raise KeyStoreError(KeyCode.TOKEN, "the token made a key and does not show it", "use another token")
        return made

    def _judged(self, session: pkcs11.Session, private: Any) -> ec.EllipticCurvePublicKey:
        """Return the public half of a key that is what it should be: P-256, never to be read out, a true pair."""
        label = self._place.key_label
        if _value(private, Attribute.KEY_TYPE) is not KeyType.EC or _value(private, Attribute.EC_PARAMS) != P256:
            raise KeyStoreError(
                KeyCode.WRONG_KIND, f"the key “{label}” is none on the curve P-256", "central knows P-256 only"
            )
        if _value(private, Attribute.SENSITIVE) is not True or _value(private, Attribute.EXTRACTABLE) is not False:
            raise KeyStoreError(
                KeyCode.EXPOSED, f"the token would hand out the key “{label}”", "make a key that cannot be read out"
            )
        public = _point(session, private)
        if self._public is not None and public.public_numbers() != self._public.public_numbers():
            self._final = KeyStoreError(
                KeyCode.CHANGED,
                f"the key “{label}” is another one than when the terminal started",
                "find out who was at the token; enrol the kiosk again",
            )
            raise self._final
        probe = canonical("tongban/key-check/1", [label])
        try:
            verify(public, probe, self._signed(private, probe))
        except SignatureError:
            raise KeyStoreError(
                KeyCode.WRONG_KIND, f"the two halves of the key “{label}” do not fit", "delete both, make a new key"
            ) from None
        return public

    def _signed(self, private: Any, message: bytes) -> bytes:
        """Return DER of what PKCS#11 gives as r and s side by side (2.40, 2.3.1)."""
        hashed = self._mechanism is Mechanism.ECDSA
        data = hashlib.sha256(message).digest() if hashed else message
        raw = private.sign(data, mechanism=self._mechanism)
        if len(raw) != 2 * COORDINATE_BYTES:
            raise KeyStoreError(KeyCode.TOKEN, f"the token gave a signature of {len(raw)} bytes", "use another token")
        return encode_dss_signature(
            int.from_bytes(raw[:COORDINATE_BYTES], "big"), int.from_bytes(raw[COORDINATE_BYTES:], "big")
        )

    def _trouble(self, error: RuntimeError) -> KeyStoreError:
        return KeyStoreError(
            KeyCode.TOKEN,
            f"the token “{self._place.token_label}” fails ({type(error).__name__})",
            "is it plugged in, is its service running, may the terminal's user use it? The next use tries again",
        )


def _loaded(module: Path) -> Any:
    """Load and initialise the module. It is a library that runs inside the terminal: nobody else may change it."""
    remedy = "set keys.module to the PKCS#11 library of the token, by its whole path (docs/how-to/keys.md)"
    try:
        found = os.stat(module)  # noqa: PTH116 - follows links: what is loaded counts
    except OSError as error:
        raise KeyStoreError(KeyCode.MODULE, f"{module}: {error.strerror}", remedy) from None
    if not module.is_absolute() or not stat.S_ISREG(found.st_mode):
        raise KeyStoreError(KeyCode.MODULE, f"{module} is no library's whole path", remedy)
    if found.st_mode & OTHERS_WRITE or found.st_uid not in {0, os.geteuid()}:
        raise KeyStoreError(KeyCode.EXPOSED, f"{module} can be changed by others", "reinstall it from its package")
    try:
        return pkcs11.lib(str(module))
    except RuntimeError as error:
        if type(error) is pkcs11.PKCS11Error:  # no answer of the module: the loader's, and its text names the reason
            raise KeyStoreError(KeyCode.MODULE, f"{module} is not loaded: {error}", remedy) from None
        raise KeyStoreError(
            KeyCode.TOKEN,
            f"{module} does not start ({type(error).__name__})",
            "is the token there, is its service running, do the module's own settings name its store?"
            " The next use tries again",
        ) from error


def _pin(path: Path) -> str:
    try:
        pin = read_private(path).decode("utf-8").removesuffix("\n")
    except FileNotFoundError:
        raise KeyStoreError(KeyCode.PIN, f"there is no {path}", "write the PIN there on one line, mode 0600") from None
    except UnicodeDecodeError:
        raise KeyStoreError(KeyCode.PIN, f"{path} is no text", "write the PIN there on one line, mode 0600") from None
    if not pin or not pin.isprintable():
        raise KeyStoreError(KeyCode.PIN, f"{path} does not hold one line", "write the PIN there on one line, mode 0600")
    return pin


def _value(thing: pkcs11.Object, attribute: Attribute) -> Any:
    try:
        return thing[attribute]
    except (pkcs11.AttributeTypeInvalid, pkcs11.AttributeSensitive):
        return None


def _point(session: pkcs11.Session, private: Any) -> ec.EllipticCurvePublicKey:
    """Return the public half: the object with the same CKA_ID, or what the private one itself tells of it."""
    same = {Attribute.CLASS: ObjectClass.PUBLIC_KEY, Attribute.ID: _value(private, Attribute.ID) or b""}
    points = [_value(thing, Attribute.EC_POINT) for thing in (*session.get_objects(same), private)]
    for point in points:
        if point and len(point) >= POINT_BYTES:
            try:
                return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point[-POINT_BYTES:])
            except ValueError:
                continue
    raise KeyStoreError(
        KeyCode.MISSING, "the token has no public half of the kiosk's key", "import it again, or make a new key"
    )

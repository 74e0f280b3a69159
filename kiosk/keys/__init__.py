"""The kiosk's key: the port, the key in a file, the key in a token, and which of them the settings ask for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kiosk.keys.file import FileKey
from kiosk.keys.port import KeyCode, KeyStoreError, KioskKey, name_of, public_pem
from kiosk.keys.session import TokenPlace
from kiosk.keys.token import TokenKey

if TYPE_CHECKING:
    from kiosk.settings import Settings

__all__ = [
    "FileKey",
    "KeyCode",
    "KeyStoreError",
    "KioskKey",
    "TokenKey",
    "TokenPlace",
    "name_of",
    "open_key",
    "public_pem",
]

FILE_NAME = "kiosk.key"


def open_key(settings: Settings, *, create: bool, insist: bool = False) -> KioskKey:
    """Open the key ``settings.keys`` names; make one when there is none and ``create`` says so.

    ``insist``: present a token's PIN although it reports an earlier wrong one. Blocks, for a token up to a minute: call
    it before or beside the event loop. Raises ``KeyStoreError``.
    """
    keys = settings.keys
    if keys.kind == "file":
        return FileKey.open(Path(keys.file or Path(settings.terminal.state_dir) / FILE_NAME), create=create)
    place = TokenPlace(
        module=Path(keys.module), token_label=keys.token, key_label=keys.label, pin_file=Path(keys.pin_file)
    )
    return TokenKey.open(place, create=create, insist=insist)

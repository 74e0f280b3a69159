"""Which terminals may still report items sealed to a key that is no longer handed out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from central.store.schema import Kiosk, StoredItem, Stream

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from central.keys import Keys


def holders(session: Session, keys: Keys) -> dict[str, list[str]]:
    """Return for each sealing key, oldest first, the terminals that may hold items under it; nobody: it may go.

    Keys change at a terminal's start. When nothing before its newest item in custody is missing, whatever it has not
    sent is younger, and sealed to that item's key or a later one.
    """
    ages = {name: age for age, name in enumerate(keys.sealing_keys)}
    oldest = {
        kiosk.id: ages.get(_key_of_newest(session, kiosk) or "", 0)
        for kiosk in session.scalars(select(Kiosk).order_by(Kiosk.id))
    }
    return {name: [kiosk for kiosk, needed in oldest.items() if needed <= age] for name, age in ages.items()}


def _key_of_newest(session: Session, kiosk: Kiosk) -> str | None:
    """Return the key of the newest item when all before it came; else ``None``."""
    streams = session.scalars(select(Stream).where(Stream.kiosk == kiosk.id, Stream.stored > 0)).all()
    if any(one.first is None or one.highest - one.first + 1 != one.stored for one in streams):
        return None
    newest = select(StoredItem.key_id).where(StoredItem.kiosk == kiosk.id).order_by(StoredItem.seq.desc()).limit(1)
    return session.scalar(newest)

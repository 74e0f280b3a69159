"""Central put together: the only place that constructs, and what the interface may reach."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from central.challenges import Challenges
from central.decisions import Desk
from central.fonts import Typefaces
from central.intake import Intake
from central.keys import enrol, load_keys, private_folder, terminal_folder, token_digest
from central.packages import CATALOGUE, Packages
from central.promises import Calendar
from central.register import Register
from central.sealing import DocumentSealer
from central.store.database import Store
from central.store.schema import Kiosk
from central.switches import Switches
from central.throttle import Throttle
from central.worker import Bell, Worker

if TYPE_CHECKING:
    from pathlib import Path

    from central.clock import Clock
    from central.keys import Keys

WRONG_NUMBERS: Final = 10  # per terminal and window: a resident mistypes a few times, a guesser thousands
WRONG_NUMBERS_WINDOW_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """All parts of one running central."""

    data: Path
    demo: bool
    clock: Clock
    keys: Keys
    store: Store
    packages: Packages
    register: Register
    challenges: Challenges
    intake: Intake
    worker: Worker
    bell: Bell
    switches: Switches
    numbers: Throttle

    def start(self) -> None:
        """Begin deciding."""
        self.worker.start()

    def close(self) -> None:
        """Stop deciding and close the store."""
        self.worker.stop()
        self.store.close()


def build(
    data: Path,
    *,
    url: str,
    kiosks: list[str],
    clock: Clock,
    demo: bool = False,
    catalogue: Path = CATALOGUE,
    database: str = "",
) -> Office:
    """Make or open everything below ``data`` and enrol the terminals; nothing runs yet.

    ``url`` is where terminals reach this central. Raises ``FontMissing``, ``OSError``, ``ValueError``,
    ``yaml.YAMLError``, ``sqlalchemy.exc.SQLAlchemyError``.
    """
    private_folder(data)
    typefaces = Typefaces(data / "cache")
    typefaces.prepare()
    keys = load_keys(data, clock.now())
    store = Store(database or f"sqlite:///{data / 'central.db'}")
    with store.write() as session:
        for kiosk in kiosks:
            token = enrol(terminal_folder(data, kiosks, kiosk), keys, kiosk, url)
            session.merge(Kiosk(id=kiosk, token_digest=token_digest(token)))
    packages, register, switches = Packages.load(catalogue), Register.load(), Switches()
    challenges = Challenges(store, clock, _challenge_secret(keys))
    desk = Desk(
        store=store,
        clock=clock,
        packages=packages,
        register=register,
        challenges=challenges,
        calendar=Calendar.load(),
        typefaces=typefaces,
        sealer=DocumentSealer(keys.document_signer, keys.document_ca),
        switches=switches,
        url=url,
    )
    bell = Bell()
    return Office(
        data=data,
        demo=demo,
        clock=clock,
        keys=keys,
        store=store,
        packages=packages,
        register=register,
        challenges=challenges,
        intake=Intake(store, keys, packages, clock),
        worker=Worker(store, desk, clock, switches, bell),
        bell=bell,
        switches=switches,
        numbers=Throttle(clock, misses=WRONG_NUMBERS, window_s=WRONG_NUMBERS_WINDOW_S),
    )


def _challenge_secret(keys: Keys) -> bytes:
    """Derive the key of the challenges' digests: it must outlive a restart, for challenges do."""
    return hashlib.sha256(b"tongban/challenges/1\n" + keys.receipt_key.private_bytes_raw()).digest()

"""Central put together: the only place that constructs, and what the interface may reach."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from central.challenges import Challenges
from central.decisions import Desk
from central.enrolment import Enrolment
from central.intake import Intake
from central.keys import load_keys, private_folder
from central.pacer import CAPACITY, Pacer
from central.packages import CATALOGUE, Packages
from central.promises import Calendar
from central.register import Register
from central.restores import ASK_DAYS, Restores
from central.sealing import DocumentSealer
from central.silence import SilenceWatch
from central.store.database import Store
from central.switches import Switches
from central.technicians import give_root
from central.throttle import Throttle
from central.worker import Bell, Worker
from typefaces import Typefaces

if TYPE_CHECKING:
    from pathlib import Path

    from central.clock import Clock
    from central.keys import Keys

DATABASE: Final = "central.db"
LAST_ITEM: Final = "central.last-item"
WRONG_NUMBERS: Final = 10  # per terminal and window: a resident mistypes a few times, a guesser thousands
WRONG_NUMBERS_WINDOW_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What whoever runs central may choose. The first two are for development only when they are off."""

    require_signatures: bool = True  # of batches, also of terminals that have registered no key yet
    client_certificates: bool = True
    capacity: float = CAPACITY  # items a second
    ask_days: int = ASK_DAYS  # how long terminals are asked for what a restore lost
    demo: bool = False
    catalogue: Path = CATALOGUE
    database: str = ""  # SQLAlchemy address; SQLite in the data folder by default


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """All parts of one running central."""

    data: Path
    demo: bool
    client_certificates: bool
    clock: Clock
    keys: Keys
    store: Store
    enrolment: Enrolment
    restores: Restores
    packages: Packages
    register: Register
    challenges: Challenges
    intake: Intake
    worker: Worker
    silence: SilenceWatch
    bell: Bell
    switches: Switches
    numbers: Throttle

    def start(self) -> None:
        """Begin deciding."""
        self.worker.start()

    def close(self) -> None:
        """Stop deciding and close the store."""
        self.worker.stop()
        self.restores.close()
        self.store.close()


def build(data: Path, *, url: str, kiosks: list[str], clock: Clock, terms: Terms = Terms()) -> Office:
    """Make or open everything below ``data`` and enrol the terminals; nothing runs yet.

    ``url`` is where terminals reach this central. Raises ``FontMissing``, ``OSError``, ``ValueError``,
    ``yaml.YAMLError``, ``sqlalchemy.exc.SQLAlchemyError``.
    """
    keys, store, enrolment, restores = _open(data, url, kiosks, clock, terms)
    packages, register, switches = Packages.load(terms.catalogue), Register.load(), Switches()
    challenges = Challenges(store, clock, _challenge_secret(keys))
    desk = Desk(
        store=store,
        clock=clock,
        packages=packages,
        register=register,
        challenges=challenges,
        calendar=Calendar.load(),
        typefaces=_typefaces(data),
        sealer=DocumentSealer(keys.document_signer, keys.document_ca),
        switches=switches,
        url=url,
    )
    silence = SilenceWatch(store, clock)
    pacer, bell, strict = Pacer(clock, terms.capacity), Bell(), terms.require_signatures
    return Office(
        data=data,
        demo=terms.demo,
        client_certificates=terms.client_certificates,
        clock=clock,
        keys=keys,
        store=store,
        enrolment=enrolment,
        restores=restores,
        packages=packages,
        register=register,
        challenges=challenges,
        intake=Intake(store, keys, packages, clock, pacer=pacer, restores=restores, require_signatures=strict),
        worker=Worker(store, desk, clock, switches, bell, silence=silence),
        silence=silence,
        bell=bell,
        switches=switches,
        numbers=Throttle(clock, misses=WRONG_NUMBERS, window_s=WRONG_NUMBERS_WINDOW_S),
    )


def _open(
    data: Path, url: str, kiosks: list[str], clock: Clock, terms: Terms
) -> tuple[Keys, Store, Enrolment, Restores]:
    """Open what lies in the data folder."""
    private_folder(data)
    keys = load_keys(data, clock.now())
    store = Store(terms.database or database_in(data))
    enrolment = Enrolment(store, keys, clock, data=data, url=url, kiosks=kiosks)
    enrolment.enrol_all()
    for kiosk in kiosks:
        give_root(data, enrolment.folder(kiosk), clock.now())
    restores = Restores(store, data / LAST_ITEM, clock, ask_days=terms.ask_days)
    return keys, store, enrolment, restores


def database_in(data: Path) -> str:
    """Return the address of the embedded database."""
    return f"sqlite:///{data / DATABASE}"


def _typefaces(data: Path) -> Typefaces:
    typefaces = Typefaces(data / "cache")
    typefaces.prepare()
    return typefaces


def _challenge_secret(keys: Keys) -> bytes:
    """Derive the key of the challenges' digests: it must outlive a restart, for challenges do.

    A rotated receipt key voids the codes of the last five minutes.
    """
    return hashlib.sha256(b"tongban/challenges/1\n" + keys.receipt_key.private_bytes_raw()).digest()

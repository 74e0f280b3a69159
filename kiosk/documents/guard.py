"""The printed person is the session's person: the last look before paper."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from kiosk.documents.seal import normalised, normalised_name
from kiosk.errors import DocumentRefused, KioskCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from kiosk.documents.seal import SealedDocument
    from kiosk.session import Person
    from offline_queue.wire import ItemId


class WrongPerson(DocumentRefused):
    """The seal is genuine, but the document is somebody else's or answers another case. Never printed; an alarm."""

    default_code = KioskCode.WRONG_PERSON


def check_subject(document: SealedDocument, expected: Person, case: ItemId) -> None:
    """Compare the sealed subject with the session's person and case. Raises ``WrongPerson`` naming no one.

    All comparisons are made, each in constant time, before the answer is given.
    """
    subject = document.subject
    same_number = _same(subject.id_no.reveal().upper(), expected.id_no.reveal().upper())
    same_name = _same(subject.name.reveal(), expected.name.reveal(), normalised_name)
    same_case = (
        _same(subject.kiosk, case.kiosk) & _same(subject.epoch, case.epoch) & _same(str(subject.seq), str(case.seq))
    )
    if not (same_number and same_name):
        raise WrongPerson("the sealed subject is not the person of this session")
    if not same_case:
        raise WrongPerson("the document answers another case")


def _same(one: str, other: str, form: Callable[[str], str] = normalised) -> bool:
    # A lone surrogate, which JSON may bring, differs from every genuine name; it is no reason to break off.
    return hmac.compare_digest(form(one).encode("utf-8", "surrogatepass"), form(other).encode("utf-8", "surrogatepass"))

"""The invented people of the demo, the lab and the tests. Area code 999999 was never given to any place.

Dataclasses only: the simulated reader builds its card from them, the simulated camera shows the face named by ``face``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from devices.values import CardKind, Sex


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """One invented person with one card. ``face`` is a key of ``devices.sim.faces.FACE_KEYS``."""

    key: str
    name: str
    number: str
    sex: Sex
    birth: date
    address: str
    authority: str
    valid_from: date
    valid_until: date | None  # None: long-term
    face: str
    kind: CardKind = CardKind.RESIDENT
    ethnic: str = ""  # GB/T 3304, two digits; residents only
    latin_name: str = ""  # I and Y cards, capitals
    nationality: str = ""  # I and Y cards, ISO 3166-1 alpha-3
    permit_number: str = ""  # J cards: the travel permit


P1 = Persona(
    key="p1",
    name="测试·张老伯",
    number="999999195203070019",
    sex=Sex.MALE,
    birth=date(1952, 3, 7),
    ethnic="01",
    address="虚构省测试市示范区幸福路1号1单元101室",
    authority="测试市公安局示范分局",
    valid_from=date(2012, 5, 10),
    valid_until=None,
    face="face_a",
)
P2 = Persona(
    key="p2",
    name="测试李梅",
    number="999999198808150023",
    sex=Sex.FEMALE,
    birth=date(1988, 8, 15),
    ethnic="01",
    address="虚构省测试市示范区学府街22号3栋602室",
    authority="测试市公安局示范分局",
    valid_from=date(2021, 6, 1),
    valid_until=date(2041, 6, 1),
    face="face_c",
)
P3 = Persona(
    key="p3",
    name="测试王强",
    number="99999919951122003X",
    sex=Sex.MALE,
    birth=date(1995, 11, 22),
    ethnic="11",
    address="虚构省测试市示范区工业大道8号",
    authority="测试市公安局示范分局",
    valid_from=date(2022, 3, 15),
    valid_until=date(2042, 3, 15),
    face="face_b",
)
P1_EXPIRED = replace(
    P1,
    key="p1_expired",
    valid_from=date(1999, 5, 10),
    valid_until=date(2019, 5, 10),
)
HMT = Persona(
    key="hmt",
    kind=CardKind.HMT_PERMIT,
    name="陈虚构",
    number="810000198506150004",
    sex=Sex.FEMALE,
    birth=date(1985, 6, 15),
    address="虚构省测试市示范区湾区大道5号",
    authority="测试市公安局",
    valid_from=date(2024, 1, 1),
    valid_until=date(2029, 1, 1),
    permit_number="H00000000",
    face="face_c",
)
FOREIGN_2017 = Persona(
    key="foreign_2017",
    kind=CardKind.FOREIGN_2017,
    name="测试员",
    latin_name="TESTER, INVENTED MIDDLE",
    number="AUS110178090302",
    sex=Sex.MALE,
    birth=date(1978, 9, 3),
    nationality="AUS",
    address="",
    authority="1100",
    valid_from=date(2019, 5, 20),
    valid_until=date(2029, 5, 20),
    face="face_b",
)
FOREIGN_2023 = Persona(
    key="foreign_2023",
    kind=CardKind.FOREIGN_2023,
    name="测试员",
    latin_name="TESTER, INVENTED MIDDLE NAME LONGER THAN 35",
    number="911036197809030014",
    sex=Sex.MALE,
    birth=date(1978, 9, 3),
    nationality="AUS",
    address="",
    authority="",
    valid_from=date(2023, 12, 1),
    valid_until=date(2033, 12, 1),
    face="face_b",
)

PERSONAS = {persona.key: persona for persona in (P1, P2, P3, P1_EXPIRED, HMT, FOREIGN_2017, FOREIGN_2023)}

"""What is inside the sealed items of a terminal: seven kinds, schema 1."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
    model_validator,
)

from offline_queue.wire.identity import MAX_SEQ as LAST_SEQ

SCHEMA: Final = 1
MAX_VALUES: Final = 200
MAX_VALUE: Final = 16_384  # characters; the longest field of the catalogue has 1,000
MAX_SEQ: Final = LAST_SEQ - 1  # the number after it is asked for, and must be one the database can hold
MAX_LINES: Final = 10_000  # of audit in one body; a body has at most 16 MiB
MAX_VERSION: Final = 65_535
MAX_COUNT: Final = 2**31 - 1
MAX_REASON: Final = 64  # the wire's limit for reason codes
NO_NUL: Final = r"^[^\x00]*$"  # PostgreSQL keeps no such character in a text

Code: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]
Word: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Digest: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Epoch: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Value: TypeAlias = Annotated[str, StringConstraints(max_length=MAX_VALUE)]


class BodyInvalid(ValueError):
    """A body that cannot be taken. ``reason`` says where, never what stood there."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Body(BaseModel):
    # Unknown keys are errors: a terminal that says more than we read must say so by its schema number.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Card(_Body):
    """Who the card reader says it is."""

    kind: Code
    name: Annotated[str, StringConstraints(min_length=1, max_length=60)] = Field(repr=False)
    id_no: Annotated[str, StringConstraints(min_length=1, max_length=32)] = Field(repr=False)


class Face(_Body):
    """The face engine's word; never a picture."""

    engine: Word
    engine_version: Annotated[str, StringConstraints(max_length=64)]
    verdict: Code
    score: float | None
    liveness: str | bool | float | None


class SmsProof(_Body):
    """A challenge of ours the resident answered."""

    challenge: Code


class Identity(_Body):
    """How sure the terminal is."""

    level: Literal["none", "card", "card+face", "card+face+sms"]
    card: Card | None
    face: Face | None
    sms: SmsProof | None


class Consent(_Body):
    """A yes to a named use of data, with the digest of the words shown."""

    id: Code
    text_sha256: Digest
    at: AwareDatetime


class AuditEnd(_Body):
    """Where a run of audit lines begins: the number and chain value of the line before; number 0 before the first."""

    seq: Annotated[int, Field(ge=0, le=MAX_SEQ)]
    chain: Digest


class AuditEntry(_Body):
    """One audit line, see ``offline_queue.wire.AuditLine``. ``line`` is JSON text without personal data."""

    seq: Annotated[int, Field(ge=1, le=MAX_SEQ)]
    line: Annotated[str, StringConstraints(max_length=MAX_VALUE, pattern=NO_NUL)]
    chain: Digest


class AuditRun(_Body):
    """The lines written since the last run that was carried."""

    after: AuditEnd
    lines: Annotated[list[AuditEntry], Field(max_length=MAX_LINES)]


class CaseRef(_Body):
    """Another item of the same terminal."""

    epoch: Epoch
    seq: Annotated[int, Field(ge=1, le=MAX_SEQ)]


class CaseBody(_Body):
    """kind ``case``."""

    service: Code
    version: Annotated[int, Field(ge=1)]
    visit: Code
    local_number: Code
    taken_at: AwareDatetime
    offline: bool
    language: Code
    identity: Identity
    consents: Annotated[list[Consent], Field(max_length=20)]
    values: Annotated[dict[Code, Value], Field(max_length=MAX_VALUES, repr=False)]
    audit: AuditRun | None = None


class PrintBody(_Body):
    """kind ``print``."""

    case: CaseRef
    document: Code
    sheets: Annotated[int, Field(ge=0, le=1000)]
    outcome: Code
    job: Annotated[str, StringConstraints(max_length=128, pattern=NO_NUL)]


class RatingBody(_Body):
    """kind ``rating``."""

    case: CaseRef | None
    service: Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9._-]*$")]
    version: Annotated[int, Field(ge=0, le=MAX_VERSION)]
    grade: Annotated[int, Field(ge=1, le=5)]
    reasons: Annotated[list[Code], Field(max_length=20)]


class AlarmBody(_Body):
    """kind ``alarm``."""

    code: Code
    subject: Annotated[str, StringConstraints(max_length=128, pattern=NO_NUL)]
    at: AwareDatetime


class AuditBody(_Body):
    """kind ``audit``: lines that go without a case."""

    audit: AuditRun


class ServiceEntry(_Body):
    """One entry of a terminal's service book. ``who`` is a staff number; no resident is ever in it."""

    n: Annotated[int, Field(ge=1, le=MAX_SEQ)]
    at: AwareDatetime
    kind: Annotated[str, StringConstraints(min_length=1, max_length=32, pattern=r"^[a-z_]+$")]
    who: Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9:-]*$")]
    order: Annotated[str, StringConstraints(max_length=16, pattern=r"^[A-Za-z0-9-]*$")]
    subject: Annotated[str, StringConstraints(max_length=128, pattern=NO_NUL)]
    outcome: Annotated[str, StringConstraints(max_length=128, pattern=NO_NUL)]
    facts: Annotated[dict[Code, JsonValue], Field(max_length=32)]


class ReadinessReport(_Body):
    """How a machine is, by sections: read by people, so their shape is the terminal's."""

    at: AwareDatetime
    sections: Annotated[list[dict[str, JsonValue]], Field(max_length=40)]


class BeatPart(_Body):
    """One part of a machine: what it says of itself, the first cause of its trouble, when it last did its work.

    ``alone``: a heartbeat proves it; others need somebody's eyes, ears or hands.
    """

    state: Annotated[str, StringConstraints(max_length=64, pattern=r"^[a-z_ ]*$")]
    cause: Annotated[str, StringConstraints(max_length=64, pattern=r"^[a-z_. ]*$")]
    proven: AwareDatetime | None
    alone: bool


class BeatSupply(_Body):
    """What is left of a supply, in sheets or slips, and for how many days."""

    left: Annotated[int, Field(ge=0, le=MAX_COUNT)]
    days_left: Annotated[int, Field(ge=0, le=MAX_COUNT)] | None


class HeartbeatBody(_Body):
    """How a machine is, at most once an hour while all is well; the next may be waited for ``every_s`` seconds."""

    at: AwareDatetime
    every_s: Annotated[int, Field(ge=60, le=7 * 86_400)]
    done: bool  # by doing; false: somebody was at the machine, nothing was tried
    mode: Annotated[str, StringConstraints(max_length=32, pattern=r"^[a-z_]*$")]
    parts: Annotated[dict[Code, BeatPart], Field(max_length=32)]
    supplies: Annotated[dict[Code, BeatSupply], Field(max_length=16)]
    pending: Annotated[int, Field(ge=0, le=MAX_COUNT)]
    quarantined: Annotated[int, Field(ge=0, le=MAX_COUNT)]


class MaintenanceBody(_Body):
    """kind ``maintenance``: one of the three."""

    entry: ServiceEntry | None = None
    readiness: ReadinessReport | None = None
    heartbeat: HeartbeatBody | None = None

    @model_validator(mode="after")
    def _one(self) -> MaintenanceBody:
        if sum(part is not None for part in (self.entry, self.readiness, self.heartbeat)) != 1:
            raise ValueError("entry, readiness or heartbeat")
        return self


class DryRunBody(_Body):
    """kind ``dry_run``: a terminal went through a service for nobody. It is no case and reaches no office."""

    person: Literal["dry-run"]
    service: Code
    version: Annotated[int, Field(ge=1, le=MAX_VERSION)]
    visit: Code
    local_number: Code
    at: AwareDatetime


class _AuditWithin(BaseModel):
    # Whatever else stands there: the lines are sound or not by themselves.
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)
    audit: AuditRun


Body: TypeAlias = CaseBody | PrintBody | RatingBody | AlarmBody | AuditBody | MaintenanceBody | DryRunBody
KINDS: Final[dict[str, type[Body]]] = {
    "case": CaseBody,
    "print": PrintBody,
    "rating": RatingBody,
    "alarm": AlarmBody,
    "audit": AuditBody,
    "maintenance": MaintenanceBody,
    "dry_run": DryRunBody,
}


def read_body(kind: str, schema: int, raw: bytes) -> Body:
    """Read a body strictly. Raises ``BodyInvalid`` with a reason code the wire can carry."""
    model = KINDS.get(kind)
    if model is None:
        raise BodyInvalid("kind_unknown")
    if schema != SCHEMA:
        raise BodyInvalid("schema_unknown")
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors(include_url=False, include_input=False)[0]["loc"])
        clean = re.sub(r"[^a-z0-9_.]", "_", where.lower())
        raise BodyInvalid(f"invalid.{clean}"[:MAX_REASON].rstrip(".")) from None


def audit_within(raw: bytes) -> AuditRun | None:
    """Return the audit lines inside a body that cannot be taken for another reason; ``None``: there are none."""
    try:
        return _AuditWithin.model_validate_json(raw).audit
    except ValidationError:
        return None

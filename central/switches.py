"""Faults of the far side, for demos and tests; outside a demo nothing can move them."""

from __future__ import annotations

import threading
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Faults(BaseModel):
    """Everything in order unless said otherwise."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    decision_delay_s: float = Field(default=0.0, ge=0, le=3600)
    register_state: Literal["up", "down"] = Field(default="up", alias="register")
    tamper_document: Literal["flip_byte", "swap_subject"] | None = None
    pause_service: str | None = None
    fail_next_batches: int = Field(default=0, ge=0, le=1000)


class Switches:
    """The faults in force. ``changes`` counts every change, so that a catalogue's version can follow."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults = Faults()
        self.changes = 0

    @property
    def now(self) -> Faults:
        """What is in force."""
        return self._faults

    def change(self, wanted: dict[str, object]) -> Faults:
        """Change the keys named, keep the others. Raises ``pydantic.ValidationError``."""
        with self._lock:
            self._faults = Faults.model_validate({**self._faults.model_dump(by_alias=True), **wanted})
            self.changes += 1
            return self._faults

    def lose_reply(self) -> bool:
        """Tell whether the reply to this batch shall be lost; counts down."""
        with self._lock:
            left = self._faults.fail_next_batches
            if left:
                self._faults = self._faults.model_copy(update={"fail_next_batches": left - 1})
            return left > 0

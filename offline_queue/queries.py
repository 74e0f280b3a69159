"""Load ``queries.sql``: the SQL of the outbox in one place, by name."""

from __future__ import annotations

import functools
from importlib import resources
from typing import Final

_MARK: Final = "-- name: "


@functools.cache
def queries() -> dict[str, str]:
    """Return name -> statement. A name given twice is a ``ValueError``."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in read_sql("queries.sql").splitlines():
        if line.startswith(_MARK):
            name = line.removeprefix(_MARK).strip()
            if name in found:
                raise ValueError(f"query {name} is there twice")
            current = found[name] = []
        elif not line.startswith("--"):
            current.append(line)
    return {name: "\n".join(lines).strip().removesuffix(";") for name, lines in found.items()}


def read_sql(name: str) -> str:
    """Return a file of this package."""
    return resources.files("offline_queue").joinpath(name).read_text(encoding="utf-8")

"""For all tests: the order in which they are handed out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Play the visits first: they take the longest, and one worker has them all."""
    items.sort(key=lambda item: "tests/visits/" not in item.nodeid)

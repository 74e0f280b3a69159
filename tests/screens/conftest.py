"""One screen without a terminal behind it, for all tests of this folder that need one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from PySide6.QtGui import QGuiApplication

from screens.gallery import OFFSCREEN, Gallery

if TYPE_CHECKING:
    from collections.abc import Iterator

os.environ.update(OFFSCREEN)  # before the first test makes the application


@pytest.fixture(scope="session")
def qapp_cls() -> type[QGuiApplication]:
    """No widgets anywhere."""
    return QGuiApplication


@pytest.fixture(scope="module")
def gallery(qapp: QGuiApplication) -> Iterator[Gallery]:
    gallery = Gallery()
    yield gallery
    gallery.close()

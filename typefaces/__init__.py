"""The typefaces of paper drawn here: Noto CJK SC (OFL 1.1), each face taken out of the system's collection once.

Used by central for certificates and by the terminal for its readiness report; it imports nothing of ours.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fontTools.ttLib import TTCollection

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER: Final = Path("/usr/share/fonts/opentype/noto")  # Debian package fonts-noto-cjk
SERIF: Final[Mapping[str, tuple[str, str]]] = {  # style -> (collection, full name of the face)
    "": ("NotoSerifCJK-Regular.ttc", "Noto Serif CJK SC"),
    "B": ("NotoSerifCJK-Bold.ttc", "Noto Serif CJK SC Bold"),
}
SANS: Final[Mapping[str, tuple[str, str]]] = {
    "": ("NotoSansCJK-Regular.ttc", "Noto Sans CJK SC"),
    "B": ("NotoSansCJK-Bold.ttc", "Noto Sans CJK SC Bold"),
}
_FULL_NAME_ID: Final = 4  # OpenType name table


class FontMissing(RuntimeError):
    """A typeface documents need is not installed."""


class Typefaces:
    """Files of the faces, extracted on first use into a cache folder. Thread-safe."""

    def __init__(self, cache: Path, faces: Mapping[str, tuple[str, str]] = SERIF) -> None:
        self._cache = cache
        self._faces = faces
        self._lock = threading.Lock()

    def prepare(self) -> None:
        """Extract all faces now. Raises ``FontMissing``: better at the start than at the first certificate."""
        for style in self._faces:
            self.file(style)

    def file(self, style: str) -> Path:
        """Return the font file of a style, "" or "B". Raises ``FontMissing``."""
        collection, name = self._faces[style]
        target = self._cache / f"{name.replace(' ', '')}.otf"
        with self._lock:
            if not target.exists():
                self._extract(FOLDER / collection, name, target)
        return target

    def _extract(self, collection: Path, name: str, target: Path) -> None:
        try:
            faces = TTCollection(str(collection), lazy=True)
        except OSError as error:
            raise FontMissing(f"{collection.name}: {error.strerror}: install fonts-noto-cjk") from error
        try:
            for face in faces.fonts:
                if face["name"].getDebugName(_FULL_NAME_ID) == name:
                    self._cache.mkdir(parents=True, exist_ok=True)
                    part = target.with_suffix(f".{os.getpid()}")
                    face.save(str(part))
                    part.replace(target)
                    return
        finally:
            faces.close()
        raise FontMissing(f"{collection.name} holds no face {name!r}")

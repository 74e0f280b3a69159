"""What the player saw: each view with its time, its words and its picture."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from PySide6.QtGui import QImage
    from PySide6.QtQuick import QQuickWindow

    from kiosk.views import Scene
    from screens.player_hands import Hands

SETTLED_S = 0.35  # after this the picture of a view is taken: transitions are over


@dataclass(slots=True)
class Seen:
    """One view as it was shown."""

    number: int
    view: str
    turn: int
    language: str
    mode: str
    place: tuple[int, int] | None
    overlay: str | None
    shown_at: float  # monotonic seconds
    drawn_ms: int | None = None  # from the resident's last touch to the first frame of this view
    shown_ms: int | None = None  # how long it stood
    screenshot: str | None = None
    words: list[str] = field(default_factory=list)

    def as_report(self) -> dict[str, Any]:
        """Return the entry of the report."""
        entry = asdict(self)
        del entry["shown_at"]
        return entry


class Recorder:
    """Keeps a list of views and writes a picture of each, once it has settled. Pictures are packed in a worker."""

    def __init__(self, window: QQuickWindow, hands: Hands, folder: Path) -> None:
        self._window = window
        self._hands = hands
        self._folder = folder
        self._packer = ThreadPoolExecutor(1, thread_name_prefix="pictures")
        self._packing: list[Future[None]] = []
        self._touched_at: float | None = None
        self._waits_for_frame: Seen | None = None
        self.seen: list[Seen] = []
        folder.mkdir(parents=True, exist_ok=True)

    def touched(self, at: float) -> None:
        """Note when the resident did something."""
        self._touched_at = at

    def arrives(self, scene: Scene) -> None:
        """Note a scene, before it is drawn. Updates of the same question are part of the view they update."""
        overlay = scene.overlay.kind.value if scene.overlay else None
        kind = type(scene.view).__name__
        now = time.monotonic()
        if self.seen:
            last = self.seen[-1]
            if (last.view, last.turn, last.language, last.mode, last.overlay) == (
                kind,
                scene.turn,
                scene.language.value,
                scene.mode.value,
                overlay,
            ):
                return
            self._leave(last, now)
        entry = Seen(
            number=len(self.seen) + 1,
            view=kind,
            turn=scene.turn,
            language=scene.language.value,
            mode=scene.mode.value,
            place=scene.place,
            overlay=overlay,
            shown_at=now,
        )
        self.seen.append(entry)
        self._waits_for_frame = entry

    def frame_swapped(self) -> None:
        """Note that the newest view is on the glass."""
        entry, self._waits_for_frame = self._waits_for_frame, None
        if entry is not None and self._touched_at is not None:
            entry.drawn_ms = round((time.monotonic() - self._touched_at) * 1000)
            self._touched_at = None

    @property
    def settled(self) -> bool:
        """Tell whether the newest view stands still and its picture is taken: a person would have seen it by now."""
        return bool(self.seen) and self.seen[-1].screenshot is not None

    def tick(self) -> None:
        """Take the newest view's picture once it has settled."""
        if self.seen:
            last = self.seen[-1]
            if last.screenshot is None and time.monotonic() - last.shown_at > SETTLED_S:
                self._take(last)

    def take_now(self, name: str) -> str:
        """Take a picture now, under a name of its own; return the file's name."""
        return self._save(self._window.grabWindow(), f"{len(self.seen):02d}-{name}.png")

    def close(self) -> None:
        """Finish the last view and wait until every picture is on the disk."""
        if self.seen:
            self._leave(self.seen[-1], time.monotonic())
        self._packer.shutdown()
        for packed in self._packing:
            packed.result()

    def _leave(self, entry: Seen, now: float) -> None:
        entry.shown_ms = round((now - entry.shown_at) * 1000)
        if entry.screenshot is None and self._waits_for_frame is not entry:
            self._take(entry)

    def _take(self, entry: Seen) -> None:
        entry.words = self._hands.words()
        marks = "-".join([entry.view, *([entry.overlay] if entry.overlay else [])])
        entry.screenshot = self._save(self._window.grabWindow(), f"{entry.number:02d}-{marks}.png")

    def _save(self, picture: QImage, name: str) -> str:
        path = str(self._folder / name)

        def pack() -> None:
            if not picture.save(path):
                raise OSError(f"{path}: the picture could not be written")

        self._packing.append(self._packer.submit(pack))
        return f"{self._folder.name}/{name}"

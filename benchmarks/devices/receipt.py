"""A receipt of forty lines made into bytes, beside python-escpos doing the same with its lowest means.

The peer gets the bytes of each line ready-made by its own ``_raw`` and is told a style only where it changes: all that
a program can save with it. What it builds says the same: same lines, same QR code, a cut.
"""

from __future__ import annotations

import os
import tempfile
import time
from typing import TYPE_CHECKING, Any, Final
from unittest import mock

from benchmarks.measure import Ratio
from benchmarks.report import Verdict, at_most
from devices.drivers.escpos_bytes import compose
from devices.drivers.escpos_raster import SlipFont
from devices.values import Align, Slip, SlipCode, SlipRule, SlipText

if TYPE_CHECKING:
    from collections.abc import Callable

WANTED: Final = 1.2
ROUNDS, QUICK_ROUNDS = 41, 11
SLIPS: Final = 20  # in one round, each way
WIDTH: Final = 576
CODE: Final = "https://example.cn/q?k=0001-261121-0001-0000"
LINES: Final[tuple[SlipText | SlipCode | SlipRule, ...]] = (
    SlipText("政务服务回执", size=2, bold=True, align=Align.CENTRE),
    SlipRule(),
    *(SlipText(f"{number:02d} 申请材料：居民身份证（复印件）A4 {number} 份") for number in range(1, 34)),
    SlipText("受理编号 0001-261121-0001-0000", bold=True),
    SlipText("Keep this slip: it is your proof.", align=Align.CENTRE),
    SlipRule(),
    SlipCode(CODE),
    SlipText("请妥善保管", align=Align.CENTRE),
)


def measure(*, quick: bool) -> list[Verdict]:
    """Build the receipt both ways in turn, again and again."""
    font, peer = SlipFont(), _peer()
    slip = Slip(LINES)
    if len(LINES) != 40:  # noqa: PLR2004 - what the goal says
        raise ValueError("a receipt of forty lines is wanted")
    ratios = []
    for _ in range(QUICK_ROUNDS if quick else ROUNDS):
        ours = _spent(lambda: compose(slip, WIDTH, font))
        theirs = _spent(lambda: _with_peer(peer))
        ratios.append(ours / theirs)
    return [at_most("D2", "receipt of 40 lines to bytes, over python-escpos raw", WANTED, Ratio.of(ratios))]


def _spent(build: Callable[[], object]) -> float:
    began = time.perf_counter()
    for _ in range(SLIPS):
        build()
    return time.perf_counter() - began


def _with_peer(peer: Any) -> bytes:
    peer.clear()
    peer.hw("INIT")
    style: tuple[object, ...] | None = None
    for line in LINES:
        match line:
            case SlipText():
                if style != (line.size, line.bold, line.align):
                    style = (line.size, line.bold, line.align)
                    align = "center" if line.align is Align.CENTRE else "left"
                    peer.set(align=align, bold=line.bold, custom_size=True, width=line.size, height=line.size)
                peer._raw(line.text.encode("gb18030") + b"\n")  # noqa: SLF001 - its own name for it
            case SlipRule():
                peer._raw(b"-" * 48 + b"\n")  # noqa: SLF001 - its own name for it
            case SlipCode():
                peer.qr(line.payload, ec=1, size=6, native=True)
    peer.cut()
    output: bytes = peer.output
    return output


def _peer() -> Any:
    """Return python-escpos' byte collector; what its import writes goes to a folder that is thrown away."""
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(tempfile, "tempdir", folder),
        mock.patch.dict(os.environ, {"ESCPOS_CAPABILITIES_PICKLE_DIR": folder}),
    ):
        from escpos.printer import Dummy  # noqa: PLC0415 - only where its side effects are caught

        return Dummy()

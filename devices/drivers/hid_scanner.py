"""USB scanners of the point-of-sale class (HID POS), through the kernel's hidraw device file."""

from __future__ import annotations

from functools import partial

from devices.device import DeviceInfo
from devices.drivers.scan_codes import CodeText
from devices.drivers.scan_listener import REPEAT_S, ListeningScanner
from devices.drivers.scan_reports import (
    DATA_REPORT,
    REPORT_SIZE,
    TRIGGER_OFF,
    TRIGGER_ON,
    TRIGGER_REPORT,
    ReportFrames,
)
from devices.transport.hid import BAR_CODE_SCANNER, HidWire


class HidScanner(ListeningScanner):
    """Any maker's scanner in its "HID POS" mode; it tells each code's symbology and length, so nothing is guessed.

    ``port`` is a device file, or ``VVVV:PPPP[:SERIAL][/INTERFACE]``. ``trigger``: the scanner is in its interactive
    mode and reads only while it is told to; without it, it reads whatever it sees. ``encoding`` is ``utf-8``,
    ``gb18030`` or ``auto`` (UTF-8, then GB18030). ``retrigger_s``: how long one pull of the trigger lasts, 0 for as
    long as it takes. ``repeat_s``: a code read again within so many seconds was never taken away (negative: each
    reading counts). Raises ``ValueError`` for options that cannot be.
    """

    def __init__(
        self,
        name: str,
        port: str,
        *,
        encoding: str = "utf-8",
        trigger: bool = False,
        retrigger_s: float = 0.0,
        repeat_s: float = 0.0,
    ) -> None:
        self._port = port
        self._pulls = trigger
        self._wire = HidWire(
            port.removeprefix("hid:"), report_size=REPORT_SIZE, report_id=DATA_REPORT, kind=BAR_CODE_SCANNER
        )
        super().__init__(
            name,
            self._wire,
            ReportFrames(CodeText(encoding)),
            retrigger_s=retrigger_s,
            repeat_s=repeat_s or (0.0 if trigger else REPEAT_S),
        )

    def info(self) -> DeviceInfo:
        """Return the name plate."""
        return DeviceInfo(driver="hid-scanner", address=self._port)

    async def _trigger(self, *, on: bool) -> None:
        if self._pulls:
            send = partial(self._wire.send_report, TRIGGER_REPORT)
            await self._listener.call(send, TRIGGER_ON if on else TRIGGER_OFF)

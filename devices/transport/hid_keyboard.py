"""A HID wire to a keyboard that types for us alone.

The kernel makes an input device of every keyboard as well, and whoever draws the screen would get each key. hidraw
and that input device are fed apart from each other, so the latter is grabbed (``EVIOCGRAB``): nobody else hears it, and
nobody reads it here. A grab ends with its descriptor, also when this process dies.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from typing import TYPE_CHECKING, Final

from devices.errors import DeviceCode, DeviceUnavailable
from devices.transport.hid import DEVICE_FILES, KEYBOARD, SYSFS, HidWire

if TYPE_CHECKING:
    from pathlib import Path

EVIOCGRAB: Final = 0x40044590  # _IOW('E', 0x90, int), linux/input.h


class HidKeyboardWire(HidWire):
    """Opens and grabs."""

    def __init__(
        self,
        address: str,
        *,
        report_size: int,
        report_id: int = 0,
        sysfs: Path = SYSFS,
        device_files: Path = DEVICE_FILES,
    ) -> None:
        super().__init__(
            address,
            report_size=report_size,
            report_id=report_id,
            kind=KEYBOARD,
            sysfs=sysfs,
            device_files=device_files,
        )
        self._grabbed: list[int] = []

    def open(self) -> None:
        """Open the device file and silence the keyboard for all others. Raises ``DeviceUnavailable``."""
        super().open()
        if self._grabbed:
            return
        try:
            self._grab()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of both. Idempotent; never raises."""
        grabbed, self._grabbed = self._grabbed, []
        for file in grabbed:
            with contextlib.suppress(OSError):  # gone already: that is all closing is for
                os.close(file)
        super().close()

    def _grab(self) -> None:
        node = self._sysfs / self.path().resolve().name
        for event in sorted(node.glob("device/input/input*/event*")):
            path = self._device_files / "input" / event.name
            try:
                file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
                self._grabbed.append(file)
                fcntl.ioctl(file, EVIOCGRAB, 1)
            except OSError as error:
                code = DeviceCode.BUSY if error.errno == errno.EBUSY else None
                detail = f"{path} cannot be grabbed, so keys would also go to the screen: {error}"
                raise DeviceUnavailable(detail, code=code) from error

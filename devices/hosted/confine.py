"""What a driver's process takes from itself before it loads anything of the vendor's. Linux."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from dataclasses import dataclass
from typing import Final

# <linux/prctl.h>
PR_SET_PDEATHSIG: Final = 1
PR_SET_DUMPABLE: Final = 4
PR_SET_NO_NEW_PRIVS: Final = 38
MEGABYTE: Final = 1 << 20


class OrphanError(Exception):
    """The terminal had ended before this process was bound to it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the settings grant: ``nice`` 0 to 19, ``memory_mb`` of address space, 0 for no limit."""

    nice: int = 0
    memory_mb: int = 0


def confine(parent: int, limits: Limits) -> None:
    """End with the parent, leave no core dump, gain no rights, take no more than ``limits``.

    Raises ``OrphanError``, ``OSError`` (a limit above what this user may have).
    """
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended between our start and the line above
        raise OrphanError
    # A dump of an identity reader's memory is a card, one of a camera's a face; nor may a debugger of this user look.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(PR_SET_DUMPABLE, 0)
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    if limits.nice:
        os.nice(limits.nice)
    if limits.memory_mb:
        most = limits.memory_mb * MEGABYTE
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))

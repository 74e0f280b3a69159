"""Tells at once when the machine's network changes, so that nobody waits out a back-off on a line that is back."""

from __future__ import annotations

import asyncio
import errno
import socket
from contextlib import closing
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.values import Clock

# linux/rtnetlink.h, the bit masks of rtnetlink(7): links, and addresses and routes of both families.
_LINK: Final = 0x1
_IPV4_ADDRESS: Final = 0x10
_IPV4_ROUTE: Final = 0x40
_IPV6_ADDRESS: Final = 0x100
_IPV6_ROUTE: Final = 0x400
GROUPS: Final = _LINK | _IPV4_ADDRESS | _IPV4_ROUTE | _IPV6_ADDRESS | _IPV6_ROUTE
QUIET_S: Final = 1.0  # one cable plugged in is a dozen messages: link, addresses and routes, one after another
_MESSAGE_BYTES: Final = 8192  # what is cut off beyond is of no interest: that something came is all we ask


class NetworkWatch:
    """Calls ``callback`` on the loop after each change of a link, an address or a route, at most once a second."""

    def __init__(
        self, callback: Callable[[], None], clock: Clock, *, connect: Callable[[], socket.socket] | None = None
    ) -> None:
        """``connect`` opens the socket to listen on; by default netlink's. It raises ``OSError``."""
        self._callback = callback
        self._clock = clock
        self._connect = connect or _netlink

    async def run(self) -> bool:
        """Watch until cancelled. Returns ``False`` at once where the system does not let us listen.

        Nothing is lost in the quiet second: what comes meanwhile waits in the socket and is the next call.
        """
        try:
            listener = self._connect()
        except OSError:
            return False
        with closing(listener):
            while await self._change(listener):
                self._callback()
                await self._clock.sleep(QUIET_S)
        return False

    async def _change(self, listener: socket.socket) -> bool:
        """Wait for a message, and take all the others that are there; ``False``: there will be none any more."""
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_recv(listener, _MESSAGE_BYTES)
        except OSError as error:
            return error.errno == errno.ENOBUFS  # more than the socket holds: something changed all the same
        return _emptied(listener)


def _emptied(listener: socket.socket) -> bool:
    while True:
        try:
            listener.recv(_MESSAGE_BYTES)
        except BlockingIOError:
            return True
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                return False


def _netlink() -> socket.socket:
    """Open a route socket of netlink (RFC 3549) that does not block. Raises ``OSError``."""
    listener = socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE
    )
    try:
        listener.bind((0, GROUPS))
    except BaseException:
        listener.close()
        raise
    return listener

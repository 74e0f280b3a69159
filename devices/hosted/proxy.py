"""A device whose driver runs in a process of its own: the same port, and nothing of the vendor's in this process.

``open`` starts the process, ``close`` ends it: what the driver remembered of a person goes with it. A process that was
lost is marked at once, through :meth:`HostedDevice.on_lost`, and its device is a closed one until it is opened again;
one that is lost again and again may start anew ever later.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import types
from abc import ABC
from collections import deque
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Final

from devices.device import Device, DeviceInfo
from devices.errors import DeviceCode, DeviceError, DeviceUnavailable
from devices.hosted.calls import NEVER_RAISES, STARTS_ANEW, calls_of, port_of
from devices.hosted.life import Life
from devices.hosted.pending import Hearers
from devices.hosted.process import NotMade, Order, made
from devices.hosted.schema import decoded
from devices.hosted.shapes import WireError
from devices.roles import PORTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devices.health import Health
    from devices.hosted.calls import Call

OPEN_CANCEL_S: Final = 0.3  # an open that is cancelled has to end its process in the same half second
CLOSE_LIMIT_S: Final = 2.0  # a device that hangs is given up within two seconds
STEADY_S: Final = 60.0  # a process that lived so long is no part of a row of losses
BACKOFF_FIRST_S: Final = 1.0  # before the start after the second loss in a row; the first costs no wait
BACKOFF_LAST_S: Final = 30.0


class HostedDevice(Device, ABC):
    """The life-cycle of any hosted device; :func:`proxy_of` adds the methods of a port."""

    port: ClassVar[type[Device]]

    def __init__(
        self, order: Order, snapshot: Mapping[str, bytes], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """``snapshot``: what the methods say from memory, as :func:`devices.hosted.process.made` returns it."""
        self.name = order.name
        self._order, self._monotonic = order, monotonic
        self._calls = calls_of(type(self).port)
        self._life: Life | None = None
        self._turn = asyncio.Lock()
        self._said: dict[str, Any] = {}
        self._come_late: dict[str, deque[Any]] = {}
        self._on_lost: Callable[[DeviceError], None] | None = None
        self._losses, self._lost_at, self._rests_until = 0, -STEADY_S, 0.0
        self._hear_snapshot(snapshot)

    def on_lost(self, tell: Callable[[DeviceError], None]) -> None:
        """Let ``tell`` hear, on the loop, that the process of the open device was lost."""
        self._on_lost = tell

    @property
    def pid(self) -> int:
        """Process id of the driver; 0 while the device is closed."""
        return self._life.pid if self._life is not None else 0

    async def open(self) -> None:
        """Start the process, and let the driver open the device in it."""
        async with self._turn:
            if self._life is not None:
                if self._life.lost is None:
                    return
                await self._drop()
            self._rested()
            self._come_late.clear()
            life = Life(self._order, self._calls, Hearers(self._hear_snapshot, self._hear_late, self._hear_loss))
            try:
                await life.start()
                await life.ask("open", {}, OPEN_CANCEL_S)
            except BaseException:
                await life.end()
                raise
            self._life = life

    async def close(self) -> None:
        """Let the driver close the device, and end the process."""
        async with self._turn:
            await self._drop()

    async def probe(self) -> Health:
        """Ask the driver."""
        health: Health = await self._ask("probe", {})
        return health

    def info(self) -> DeviceInfo:
        """Return the driver's name plate: that of the last opening, or what it knew before the first."""
        plate = self._said.get("info")
        return plate if isinstance(plate, DeviceInfo) else DeviceInfo(self._order.driver, "not told")

    async def _ask(self, name: str, given: Mapping[str, Any]) -> Any:
        """Let the driver answer one call. Raises ``DeviceError``."""
        if name in STARTS_ANEW:
            self._come_late.clear()
        try:
            if self._life is None:
                raise self._closed()
            if late := self._come_late.get(name):
                return late.popleft()
            return await self._life.ask(name, given)
        except DeviceError:
            if name in NEVER_RAISES:
                return None
            raise

    def _remembered(self, name: str) -> Any:
        """Return what a method says from memory. Raises ``DeviceUnavailable`` when the driver has not said it."""
        if name not in self._said:
            raise self._closed()
        return self._said[name]

    async def _drop(self) -> None:
        life, self._life = self._life, None
        if life is None:
            return
        self._come_late.clear()
        try:
            if life.lost is None:
                with contextlib.suppress(DeviceError, TimeoutError):  # close never raises; what hangs is killed
                    async with asyncio.timeout(CLOSE_LIMIT_S):
                        await life.ask("close", {}, 0)
        finally:
            await life.end()

    def _rested(self) -> None:
        """Refuse to start a driver that is lost again and again too soon."""
        wait_s = self._rests_until - self._monotonic()
        if wait_s > 0:
            detail = f"the driver's process was lost {self._losses} times; it is started again in {wait_s:.0f} s"
            raise DeviceUnavailable(detail, code=DeviceCode.DRIVER_CRASHED, device=self.name)

    def _hear_loss(self, error: DeviceError) -> None:
        now = self._monotonic()
        self._losses = self._losses + 1 if now - self._lost_at < STEADY_S else 1
        self._lost_at = now
        pause_s = BACKOFF_FIRST_S * 2 ** (self._losses - 2) if self._losses > 1 else 0.0
        self._rests_until = now + min(pause_s, BACKOFF_LAST_S)
        if self._life is not None and self._on_lost is not None:  # one lost in its opening tells by its error
            self._on_lost(error)

    def _hear_late(self, name: str, value: object) -> None:
        self._come_late.setdefault(name, deque()).append(value)

    def _hear_snapshot(self, said: Mapping[str, bytes]) -> None:
        for name, data in said.items():
            call = self._calls.get(name)
            if call is not None and call.result is not None and not call.asynchronous:
                self._said[name] = decoded(call.result, data)

    def _closed(self) -> DeviceUnavailable:
        return DeviceUnavailable("closed: call open() first", code=DeviceCode.CLOSED, device=self.name)


@cache
def proxy_of(port: type[Device]) -> type[HostedDevice]:
    """Return the class that is ``port`` to its users and a line to a process inside. Raises ``TypeError``."""
    members: dict[str, Any] = {"port": port, "__doc__": f"{port.__name__} in a process of its own."}
    for call in calls_of(port).values():
        if call.name not in vars(HostedDevice):
            members[call.name] = _method(port, call)
    return types.new_class(f"Hosted{port.__name__}", (HostedDevice, port), exec_body=lambda body: body.update(members))


def _method(port: type[Device], call: Call) -> Callable[..., Any]:
    async def ask(self: HostedDevice, *args: Any, **kwargs: Any) -> Any:
        bound = call.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return await self._ask(call.name, bound.arguments)

    def say(self: HostedDevice) -> Any:
        return self._remembered(call.name)

    method: Callable[..., Any] = ask if call.asynchronous else say
    method.__name__, method.__doc__ = call.name, getattr(port, call.name).__doc__
    method.__qualname__ = f"Hosted{port.__name__}.{call.name}"
    return method


def hosted(order: Order) -> HostedDevice:
    """Make the device ``order`` describes to run in a process of its own; nothing is opened.

    A process makes the driver once and ends, so that a wrong option or a broken package is told now. Blocks meanwhile.
    Raises ``devices.hosted.process.NotMade``.
    """
    if order.name not in PORTS:
        raise NotMade(f"{order.name}: driver {order.driver!r}: no role; known are {', '.join(PORTS)}")
    snapshot = made(order)
    try:
        return proxy_of(port_of(order.name))(order, snapshot)
    except WireError as error:
        raise NotMade(f"{order.name}: driver {order.driver!r}: its process broke the protocol: {error}") from None

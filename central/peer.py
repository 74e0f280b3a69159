"""Who is at the other end of a TLS connection, brought to the application: the server itself does not say.

uvicorn hands each request a copy of the connection's ``app_state`` as ``scope["state"]``, with h11 as with httptools.
h11 is the one in use: it is pure Python, and the terminals' few large requests gain nothing from the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from cryptography import x509
from cryptography.x509.oid import NameOID
from uvicorn.protocols.http.h11_impl import H11Protocol

from central.authority import CLOCK_SKEW

if TYPE_CHECKING:
    import asyncio
    from datetime import datetime

CLIENT_CERTIFICATE: Final = "client_certificate"  # key in the request's state


@dataclass(frozen=True, slots=True)
class Peer:
    """A client certificate the TLS library has found good: signed by our authority, for clients, not expired."""

    name: str
    issued: datetime

    @classmethod
    def from_der(cls, der: bytes) -> Self:
        """Read what is needed of a certificate."""
        certificate = x509.load_der_x509_certificate(der)
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return cls(str(names[0].value) if names else "", certificate.not_valid_before_utc + CLOCK_SKEW)

    def is_terminal(self, kiosk: str, enrolled: datetime | None) -> bool:
        """Tell whether this is ``kiosk``, by a certificate not older than its last enrolment."""
        return self.name == kiosk and (enrolled is None or self.issued >= enrolled)


class PeerProtocol(H11Protocol):
    """HTTP on one connection; every request on it knows the client's certificate."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Look at the certificate once."""
        super().connection_made(transport)
        secure = transport.get_extra_info("ssl_object")
        der = secure.getpeercert(binary_form=True) if secure is not None else None
        if der:
            self.app_state = {**self.app_state, CLIENT_CERTIFICATE: Peer.from_der(der)}

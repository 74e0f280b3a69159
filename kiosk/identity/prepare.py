"""A face check that knows the card's picture: made when the card is read, made anew when its process died."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.errors import DeviceCode, MediumError

if TYPE_CHECKING:
    from devices.values import IdentityCard
    from kiosk.identity.face import FaceCheck
    from kiosk.visit import Visit


async def prepared_check(visit: Visit, card: IdentityCard) -> FaceCheck:
    """Return the visit's check, with the template of ``card`` made. The picture itself goes with the session.

    Raises ``FaceEngineError``, and ``MediumError`` when the picture cannot be used.
    """
    if visit.face_check is not None:
        return visit.face_check
    engine = visit.tools.face
    if engine is None:
        raise RuntimeError("a face step was planned without an engine")
    check = await visit.closing.enter_async_context(engine.check())
    picture = _decoded(visit, card)
    if picture is None or not await check.use_card_photo(picture):
        raise MediumError("the card's picture gives no template", code=DeviceCode.CARD_PHOTO, device="id_reader")
    visit.face_check = check
    return check


def _decoded(visit: Visit, card: IdentityCard) -> bytes | None:
    try:
        return visit.tools.photo_decoder.decode(bytes(card.photo.reveal()))
    except Exception:  # noqa: BLE001 - a vendor's codec may raise anything on a damaged block: it is then unreadable
        return None

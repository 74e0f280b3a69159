"""The application: routes, headers, and errors that never quote what was sent."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from central.api import cases, certificates, kiosks, maintenance, reference, services, simulation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from central.office import Office

log = logging.getLogger(__name__)
TITLE: Final = "Tongban central"
VERSION: Final = "1"
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def create_app(office: Office) -> FastAPI:
    """Build the application on an office that is not running yet; it starts and ends with the application."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        office.bell.bind(asyncio.get_running_loop())
        office.start()
        try:
            yield
        finally:
            await asyncio.to_thread(office.close)

    app = FastAPI(title=TITLE, version=VERSION, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.office = office
    for router in (
        services.router,
        cases.router,
        kiosks.router,
        maintenance.router,
        certificates.router,
        reference.router,
    ):
        app.include_router(router)
    if office.demo:
        app.include_router(simulation.router)
    app.middleware("http")(_add_headers)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(Exception)(_failed)
    return app


async def _add_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


async def _invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
    """Name the places of the problems; the framework's own answer would send the personal values back."""
    problems = [".".join(str(part) for part in problem["loc"]) + ": " + problem["type"] for problem in error.errors()]
    return JSONResponse({"detail": {"code": "request_invalid", "problems": problems}}, 422)


async def _failed(_request: Request, error: Exception) -> JSONResponse:
    log.error("request failed: %s", type(error).__name__)
    return JSONResponse({"detail": {"code": "internal"}}, 500)

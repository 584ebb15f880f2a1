"""The page's server, on this machine alone: FastAPI and uvicorn, which MLflow brings."""

from __future__ import annotations

import os
import socket
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException as StarletteException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect

from overcast.core.console import show
from overcast.core.errors import UserError
from overcast.core.words import current_language, translate, use_language
from overcast.demo.answer import Demo
from overcast.demo.limits import HEADERS, NAMES, read_body, refuse_other_pages
from overcast.demo.nearest import NearestSamples
from overcast.demo.page import page, script, style_sheet
from overcast.readers.audio import wav_excerpt

USUAL = 8000
"""The port where none is asked for and it is free."""

SECONDS, RATE = 30.0, 16_000
"""Of a training recording that is played: how much of it, and at most so many values a second."""


def build_app(demo: Demo) -> FastAPI:
    """The page, its style and script, and what it asks: ``/answer`` and ``/explanation`` of a file's content."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=NAMES)
    app.middleware("http")(_with_headers)
    app.exception_handler(StarletteException)(_as_json)
    shown, language = page(demo), current_language()

    @app.get("/")
    def index() -> HTMLResponse:
        return HTMLResponse(shown)

    @app.get("/demo.css")
    def style() -> Response:
        return Response(style_sheet(), media_type="text/css")

    @app.get("/demo.js")
    def code() -> Response:
        return Response(script(), media_type="text/javascript")

    @app.get("/sound/{row}")
    def sound(row: int) -> Response:
        path = demo.nearest.sound(row) if isinstance(demo.nearest, NearestSamples) else None
        if path is None:
            raise HTTPException(404)
        try:
            return Response(wav_excerpt(path, RATE, SECONDS), media_type="audio/wav")
        except UserError:  # it is of a kind that cannot be played
            raise HTTPException(404) from None

    @app.post("/answer")
    async def answer(request: Request) -> JSONResponse:
        return await _asked(request, demo.answer, language)

    @app.post("/explanation")
    async def explanation(request: Request) -> JSONResponse:
        return await _asked(request, demo.explain, language)

    return app


async def _asked(request: Request, answer: Callable[[bytes], dict[str, Any]], language: str) -> JSONResponse:
    """What is answered to the content that was sent, or one sentence; the server lives on whatever comes."""
    with use_language(language):
        refuse_other_pages(request)
        try:
            content = await read_body(request)
        except ClientDisconnect:  # its page was closed meanwhile
            return JSONResponse({}, 400)
        try:
            return JSONResponse(await run_in_threadpool(answer, content))
        except UserError as error:
            raise HTTPException(400, str(error)) from None
        except MemoryError:
            raise HTTPException(
                413, translate("This takes more memory than there is: choose a smaller file.")
            ) from None
        except Exception:
            traceback.print_exc(file=sys.stderr)
            text = translate("Something went wrong in overcast itself: its terminal says what.")
            raise HTTPException(500, text) from None


async def _with_headers(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call(request)
    response.headers.update(HEADERS)
    return response


async def _as_json(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StarletteException)
    return JSONResponse({"error": error.detail}, error.status_code)


def open_port(text: str) -> socket.socket:
    """A socket that listens on this machine alone. text: the port; "" for `USUAL`, or any free one.

    Raises: UserError if it is no port, or cannot be listened on.
    """
    if not text:
        try:
            return socket.create_server(("127.0.0.1", USUAL))
        except OSError:
            return socket.create_server(("127.0.0.1", 0))
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 1 << 16:
        raise UserError(f"port={text}: give a number from 1 to 65535")
    try:
        return socket.create_server(("127.0.0.1", int(text)))
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise UserError(f"port={text} cannot be used ({reason}): choose another, or leave it out") from None


def build_server(demo: Demo) -> uvicorn.Server:
    """A server of the page, not yet running; what is being answered when it ends has a second."""
    app = build_app(demo)
    return uvicorn.Server(
        uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    )


def serve(demo: Demo, listening: socket.socket) -> None:
    """Serve the page until Ctrl-C, which is raised again when all is closed."""
    server = build_server(demo)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    show(translate("page: {address} (Ctrl-C ends it)", address=address), flush=True)
    server.run(sockets=[listening])

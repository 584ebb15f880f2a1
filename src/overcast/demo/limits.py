"""What may be sent to the page's server, and by whom."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import HTTPException, Request

from overcast.core.words import translate

LARGEST = 20 << 20
"""Bytes of a file."""

NAMES = ["127.0.0.1", "localhost"]
"""What this machine may be called in a request: a name that is led here from elsewhere (DNS rebinding) is none."""

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""Of each answer: the page loads nothing from elsewhere, and no other page frames or keeps it."""


def refuse_other_pages(request: Request) -> None:
    """Raises: HTTPException (403) if a page of another address than this one's sends it, or what is no page at all."""
    if request.headers.get("origin") != f"http://{request.headers.get('host')}":
        raise HTTPException(403, translate("Only this page itself may ask."))


async def read_body(request: Request) -> bytes:
    """What was sent; of more than `LARGEST` nothing is kept. Raises: HTTPException (413) for that."""
    parts, size = list[bytes](), 0
    async for part in request.stream():  # to its end: a browser takes an answer before that for a broken connection
        size += len(part)
        if size > LARGEST:
            parts.clear()
        else:
            parts.append(part)
    if size > LARGEST:
        text = "This file is larger than {megabytes} MB: choose a smaller one."
        raise HTTPException(413, translate(text, megabytes=LARGEST >> 20))
    return b"".join(parts)

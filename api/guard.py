"""Around every request: a name for it, and the headers that keep a browser from being used against its owner."""

import re
import secrets
from collections.abc import Callable, Mapping
from time import monotonic
from typing import TypeAlias

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import errors

# Inline style attributes hold the percent positions of charts; nothing else is inline.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
Answered: TypeAlias = Callable[[str, str, int, float], None]
"""Told of an answer: its method, the route as the code writes it, status, seconds up to the first octet."""
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


class Guard:
    """ASGI middleware; `scope["state"]["request_id"]` is the caller's X-Request-ID if it is plain, else a new one."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the answer on with our headers; what nobody caught becomes a problem."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        name = given if GIVEN_ID.fullmatch(given) else f"req_{secrets.token_hex(12)}"
        scope.setdefault("state", {})["request_id"] = name

        started = False

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = name
                for header, value in HEADERS.items():
                    headers.setdefault(header, value)
                headers.setdefault("Cache-Control", "private, no-cache")
            await send(message)

        try:
            await self._application(scope, receive, guarded)
        except Exception as error:
            if started:
                raise
            await errors.unforeseen(Request(scope), error)(scope, receive, guarded)


class Watch:
    """ASGI middleware that tells of each answer."""

    def __init__(self, application: ASGIApp, answered: Answered) -> None:
        self._application = application
        self._answered = answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the answer on; what has no route is one route, so that nobody can make up new ones."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        began = monotonic()

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                method = scope["method"] if scope["method"] in METHODS else "other"
                route = getattr(scope.get("route"), "path", "none")
                self._answered(method, route, message["status"], monotonic() - began)
            await send(message)

        await self._application(scope, receive, told)

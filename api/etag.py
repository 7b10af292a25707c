"""A document that never changes is sent once: If-None-Match with its tag is answered 304, without a body."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Revalidation:
    """ASGI middleware over the ETag headers that routes set."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the answer on; of one that the asker has already, only its headers."""
        given = Headers(scope=scope).get("if-none-match", "") if scope["type"] == "http" else ""
        if not given:
            await self._application(scope, receive, send)
            return
        known = {tag.strip().removeprefix("W/") for tag in given.split(",")}
        unchanged = False

        async def sent(message: Message) -> None:
            nonlocal unchanged
            if message["type"] == "http.response.start" and message["status"] == 200:  # noqa: PLR2004 - OK
                unchanged = Headers(raw=message["headers"]).get("etag", "") in known
                if unchanged:
                    kept = [(k, v) for k, v in message["headers"] if k not in (b"content-length", b"content-type")]
                    message = {**message, "status": 304, "headers": kept}
            elif unchanged:
                message = {**message, "body": b""}
            await send(message)

        await self._application(scope, receive, sent)

"""The callback of a portal as a pure ASGI application, for FastAPI, Starlette and any other ASGI framework.

Whatever blocks (the check, a `handle` with a database) runs in a thread, off the event loop. It must know no
framework. Route one path to it; a mount that redirects to a slash loses the portal, which follows nothing.
clause   sandbox:at-least-once
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from coinslot_contracts.domain import Notification
from coinslot_contracts.errors import CoinslotError
from coinslot_contracts.wire import WireReply

from coinslot_verifier.adapters import BODY_BYTES_MAX, ONLY_POST, TOO_LARGE, Handle
from coinslot_verifier.notification import NotificationVerifier

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class CallbackApp:
    """Answers a portal's notifications, on an event loop of asyncio.

    handle           grants or revokes and commits; see `adapters.Handle`; an ordinary function runs in a
                     thread, an asynchronous one is awaited
    body_bytes_max   a longer body is answered 413, and no more of it is kept than this and one piece
    """

    def __init__(
        self, notifications: NotificationVerifier, handle: Handle, *, body_bytes_max: int = BODY_BYTES_MAX
    ) -> None:
        self._notifications = notifications
        self._handle = handle
        self._body_bytes_max = body_bytes_max

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """One request (ASGI 3, scope type http).

        errors   ValueError for any other scope; what handle raises beyond Refused and Undecided
        """
        if scope["type"] != "http":
            raise ValueError(f"a callback is HTTP, not {scope['type']}; route only its path here")
        reply = await self._answer(scope, receive)
        if reply is None:
            return
        headers = [(name.encode(), value.encode()) for name, value in reply.headers]
        headers.append((b"content-length", str(len(reply.body)).encode()))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    async def _answer(self, scope: Mapping[str, Any], receive: Receive) -> WireReply | None:
        """What to answer; None where the portal hung up, so that nothing was read whole."""
        if scope["method"] != "POST":
            return ONLY_POST
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if len(body) > self._body_bytes_max:
                return TOO_LARGE
            if not message.get("more_body"):
                break
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        return await self._settle(headers, bytes(body))

    async def _settle(self, headers: list[tuple[str, str]], body: bytes) -> WireReply:
        try:
            result = await asyncio.to_thread(self._verify_and_handle, headers, body)
            if inspect.isawaitable(result):
                await result
        except CoinslotError as error:
            return self._notifications.reply_for(error)
        return self._notifications.accepted()

    def _verify_and_handle(self, headers: list[tuple[str, str]], body: bytes) -> object:
        notification: Notification = self._notifications.verify(headers, body)
        return self._handle(notification)

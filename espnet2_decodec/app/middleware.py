"""ASGI middleware: requests that the page does not make are refused before Gradio sees them."""

import json
import re
from typing import Any

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ROUTES = re.compile(
    r"/(?:config|theme\.css|favicon\.ico|manifest\.json|(?:assets|static)/.+"
    r"|gradio_api/(?:info|app_id|startup-events|theme\.css|queue/(?:join|data)|upload|upload_progress|cancel|reset"
    r"|heartbeat/\w+|file=/.+))?/?"
)
"""Routes that the page needs. Addresses of the network (`file=http:...`), direct calls and settings are not served."""

CONTENT_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; "
    "worker-src 'self' blob:; frame-ancestors 'none'; form-action 'self'; base-uri 'self'"
)
"""Makes browsers refuse whatever lies on other servers."""

MAX_EVENT_BYTES = 2**20
"""Limit of the arguments of an event, among which files are named by their paths."""

_EVENT = "/gradio_api/queue/join"
_ADDRESS = re.compile(r"\s*[a-z][a-z0-9+.-]*:", re.IGNORECASE)


class RestrictRequests:
    """Refuses all requests but those of `ROUTES`, and events whose files are addresses, which Gradio would download.

    It adds the headers that keep a browser from requests to other servers.

    Args:
        app: that answers the other requests.
    """

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and not ROUTES.fullmatch(scope["path"]):
            await PlainTextResponse("Not found.", 404)(scope, receive, send)
            return
        if scope["type"] == "http" and scope["path"].rstrip("/") == _EVENT:
            body = await _read_body(receive)
            problem = _problem(body)
            if problem:
                await PlainTextResponse(problem, 400)(scope, receive, send)
                return
            receive = _replay(body, receive)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = {
                    "content-security-policy": CONTENT_POLICY,
                    "x-content-type-options": "nosniff",
                    "referrer-policy": "no-referrer",
                }
                message["headers"] = [*message["headers"], *((k.encode(), v.encode()) for k, v in headers.items())]
            await send(message)

        await self.app(scope, receive, send_with_headers)


async def _read_body(receive: Receive) -> bytes:
    """The body of a request, up to one byte more than `MAX_EVENT_BYTES`."""
    body, more = b"", True
    while more and len(body) <= MAX_EVENT_BYTES:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body[: MAX_EVENT_BYTES + 1]


def _replay(body: bytes, receive: Receive) -> Receive:
    """A function that gives the body as one message, then what follows."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return messages.pop() if messages else await receive()

    return next_message


def _problem(body: bytes) -> str:
    """Why the arguments of an event are refused; empty if they are not."""
    if len(body) > MAX_EVENT_BYTES:
        return f"An event has at most {MAX_EVENT_BYTES} bytes."
    try:
        names_address = _names_address(json.loads(body))
    except (ValueError, RecursionError):
        return "An event is JSON."
    return "A file of an event is one that was uploaded, not an address." if names_address else ""


def _names_address(value: Any) -> bool:
    """Whether a file in JSON has an address as its path."""
    if isinstance(value, dict):
        path = value.get("path")
        return (isinstance(path, str) and _ADDRESS.match(path) is not None) or any(map(_names_address, value.values()))
    return isinstance(value, list) and any(map(_names_address, value))

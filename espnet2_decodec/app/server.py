"""The web server of the page: only what the page needs, and nothing from the network."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gradio as gr
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from espnet2_decodec.app.page import THEME

LOCAL_HOSTS = ("127.0.0.1", "localhost")

ROUTES = re.compile(
    r"/(?:config|theme\.css|favicon\.ico|manifest\.json|(?:assets|static)/.+"
    r"|gradio_api/(?:info|app_id|startup-events|theme\.css|queue/(?:join|data)|upload|upload_progress|cancel|reset"
    r"|heartbeat/\w+|file=/.+))?/?"
)
"""What the page asks for. Addresses of the network (`file=http:...`), direct calls and settings are not served."""

CONTENT_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; "
    "worker-src 'self' blob:; frame-ancestors 'none'; form-action 'self'; base-uri 'self'"
)
"""Makes browsers refuse whatever lies on other servers."""


class RestrictRoutes:
    """ASGI middleware: status 404 for all but `ROUTES`, and the headers of a page without other servers.

    Args:
        app: that answers the other requests.
    """

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and not ROUTES.fullmatch(scope["path"]):
            await PlainTextResponse("Not found.", status_code=404)(scope, receive, send)
            return

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


def prepare_environment(folder: str | Path) -> None:
    """Set the variables that Gradio reads: its temporary folder, no telemetry, no proxy for the local address.

    Call it before a page is built.
    """
    os.environ |= {
        "GRADIO_TEMP_DIR": str(folder),
        "GRADIO_EXAMPLES_CACHE": str(Path(folder) / "examples"),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_RUN_HISTORY": "False",
        "GRADIO_SHARE": "False",
        "GRADIO_ALLOWED_PATHS": "",
    }
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join([*filter(None, [os.environ.get(name, "")]), *LOCAL_HOSTS])


@contextmanager
def serve(page: gr.Blocks, host: str, port: int, max_megabytes: float) -> Iterator[str]:
    """Context manager in which the page is served; gives its address.

    Args:
        page: see `build_page`.
        host: address of this machine; with one of `LOCAL_HOSTS`, requests by another name are refused.
        port: TCP port.
        max_megabytes: limit of an upload.

    Raises:
        OSError: if the port is taken, or the address is not one of this machine.
    """
    middleware = [Middleware(RestrictRoutes)]
    if host in LOCAL_HOSTS:
        middleware.insert(0, Middleware(TrustedHostMiddleware, allowed_hosts=list(LOCAL_HOSTS)))
    page.queue(max_size=32)
    try:
        _, address, _ = page.launch(
            server_name=host,
            server_port=port,
            prevent_thread_lock=True,
            quiet=True,
            share=False,
            inbrowser=False,
            footer_links=[],
            run_history=False,
            enable_monitoring=False,
            allowed_paths=[],
            max_file_size=int(max_megabytes * 2**20),
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
            strict_cors=True,
            theme=THEME,
            app_kwargs={"middleware": middleware, "docs_url": None, "redoc_url": None, "openapi_url": None},
        )
    except OSError:
        raise OSError(f"The page cannot be served at {host}:{port}; choose another --port, or --host.") from None
    try:
        yield address
    finally:
        page.close(verbose=False)

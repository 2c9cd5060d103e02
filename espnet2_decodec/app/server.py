"""The web server of the page: only what the page needs, and nothing from the network."""

from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from espnet2_decodec.app.environment import LOCAL_HOSTS
from espnet2_decodec.app.middleware import RestrictRequests
from espnet2_decodec.app.page import THEME


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
    middleware = [Middleware(RestrictRequests)]
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

"""Variables that Gradio reads; this module does not import it."""

import os
from pathlib import Path

LOCAL_HOSTS = ("127.0.0.1", "localhost")


def prepare_environment(folder: str | Path) -> None:
    """Set the variables that Gradio reads: its temporary folder, no telemetry, no proxy for the local address.

    Call it before Gradio is imported, which makes a folder below its temporary folder.
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

"""A headless Chromium or Chrome, driven over a pipe by its DevTools protocol, without further packages."""

import base64
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--mute-audio",
    "--remote-debugging-pipe",
)


def find() -> str | None:
    """The browser on PATH, if there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One page in a browser; its errors and warnings, and requests beyond `allowed`, are collected in `problems`.

    Use it in a `with` statement.

    Attributes:
        allowed: starts of addresses that it may ask for.

    Args:
        program: from `find`.
        profile: an empty folder.
        seconds: any answer may take.
    """

    def __init__(self, program: str, profile: Path, seconds: float = 180):
        self.seconds, self.count, self.rest, self.problems = seconds, 0, b"", []
        self.allowed: tuple[str, ...] = ("file:", "data:", "about:")
        command = [program, *OPTIONS, f"--user-data-dir={profile}", "about:blank"]
        to_browser, self.write = os.pipe()
        self.read, from_browser = os.pipe()

        def as_three_and_four():
            first, second = os.dup(to_browser), os.dup(from_browser)
            os.dup2(first, 3)
            os.dup2(second, 4)

        self.process = subprocess.Popen(
            command,
            preexec_fn=as_three_and_four,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self.session = None
        page = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.write)
        os.close(self.read)

    def call(self, method: str, **parameters) -> dict:
        """One command of the protocol and its answer."""
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self.count:
                assert "error" not in answer, answer
                return answer["result"]

    def open(self, address: str, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Load a page and wait until it is there."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=address)
        end = time.monotonic() + self.seconds
        while self.run("document.readyState + location.href") != f"complete{address}":
            assert time.monotonic() < end, f"{address} was not loaded."
            time.sleep(0.05)

    def run(self, script: str):
        """The value of an expression, awaited if it is a promise."""
        found = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def press(self, key: str, code: int) -> None:
        """A key, such as Tab (9), Enter (13) or ArrowRight (39)."""
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text)

    def choose_file(self, selector: str, path: Path) -> None:
        """Give a file to a field for files."""
        root = self.call("DOM.getDocument", depth=0)["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", files=[str(path)], nodeId=node)

    def wait(self, script: str):
        """The value of an expression as soon as it is true."""
        end = time.monotonic() + self.seconds
        while not (value := self.run(script)):
            assert time.monotonic() < end, f"{script} stays {value}."
            time.sleep(0.05)
        return value

    def screenshot(self, path: Path) -> None:
        """What can be seen, as PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def _next(self) -> dict:
        """The next message; a problem of the page is noted on the way."""
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.read], [], [], self.seconds)
            assert ready, "The browser does not answer."
            piece = os.read(self.read, 2**16)
            assert piece, "The browser has ended."
            self.rest += piece
        text, self.rest = self.rest.split(b"\0", 1)
        message = json.loads(text)
        method, parameters = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.problems.append(str(parameters["exceptionDetails"]))
        if method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.problems.append(str(parameters["args"]))
        if method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.problems.append(str(parameters["entry"]))
        if method == "Network.requestWillBeSent" and not parameters["request"]["url"].startswith(self.allowed):
            self.problems.append(f"It asked for {parameters['request']['url']}.")
        return message

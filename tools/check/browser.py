"""Drives Debian's headless Chromium over the DevTools protocol, through a pipe. Needs nothing but Python.

The protocol: <https://chromedevtools.github.io/devtools-protocol/>
"""

import base64
import json
import os
import pathlib
import queue
import shutil
import subprocess
import tempfile
import threading
import time

FLAGS = [
    "--headless=new", "--no-sandbox", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu", "--hide-scrollbars",
    "--disable-dev-shm-usage", "--disable-extensions", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-proxy-server",
]
KEYS = {
    "Enter": {"code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"},
    "Escape": {"code": "Escape", "windowsVirtualKeyCode": 27},
    "Tab": {"code": "Tab", "windowsVirtualKeyCode": 9},
    "ArrowDown": {"code": "ArrowDown", "windowsVirtualKeyCode": 40},
    "ArrowUp": {"code": "ArrowUp", "windowsVirtualKeyCode": 38},
}


class BrowserError(Exception):
    """A command that Chromium refused, or a condition that was not met in time."""


class Browser:
    """A running Chromium with its own empty profile. Use it as a context manager."""

    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="sluice-chromium.")
        to_read, self.to = os.pipe()
        self.of, to_write = os.pipe()
        # Chromium reads commands from descriptor 3 and writes answers and events to descriptor 4.
        shell = f'exec chromium "$@" 3<&{to_read} 4>&{to_write}'
        self.log = open(os.path.join(self.profile, "log"), "wb")
        self.process = subprocess.Popen(
            ["bash", "-c", shell, "chromium", *FLAGS, f"--user-data-dir={self.profile}"],
            pass_fds=(to_read, to_write), stdout=self.log, stderr=self.log)
        os.close(to_read)
        os.close(to_write)
        self.lock = threading.Lock()
        self.answers, self.pages, self.number = {}, {}, 0
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.command("Browser.close", seconds=5)
            self.process.wait(timeout=5)
        except (BrowserError, OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.profile, ignore_errors=True)

    def _read(self):
        """Pass on each message: an answer to the command that is waiting for it, or an event to its page."""
        rest = b""
        while chunk := os.read(self.of, 1 << 20):
            *messages, rest = (rest + chunk).split(b"\0")
            for message in map(json.loads, messages):
                if "id" in message:
                    self.answers.pop(message["id"]).put(message)
                elif page := self.pages.get(message.get("sessionId")):
                    page.take(message["method"], message["params"])
        for waiting in self.answers.values():
            waiting.put({"error": {"message": "Chromium ended"}})

    def command(self, method, session=None, seconds=20, **params):
        """Carry out a command and return its result."""
        answer = queue.Queue()
        with self.lock:
            self.number += 1
            self.answers[self.number] = answer
            message = {"id": self.number, "method": method, "params": params}
            if session:
                message["sessionId"] = session
            os.write(self.to, json.dumps(message).encode() + b"\0")
        try:
            answer = answer.get(timeout=seconds)
        except queue.Empty:
            raise BrowserError(f"Chromium did not answer {method} in {seconds} s") from None
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def open(self, address, width=1600, height=1000):
        """Open a page in a new tab."""
        target = self.command("Target.createTarget", url="about:blank")["targetId"]
        session = self.command("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self.pages[session] = Page(self, target, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.command(f"{domain}.enable")
        page.resize(width, height)
        page.command("Page.navigate", url=address)
        page.wait("location.href !== 'about:blank' && document.readyState === 'complete'", f"{address} does not load")
        return page

    def processes(self):
        """Return the ids of Chromium and of all processes that it started."""
        children = {}
        for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(entry.read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            children.setdefault(parent, []).append(int(entry.parent.name))
        found = [self.process.pid]
        for process in found:
            found += children.get(process, [])
        return found


class Page:
    """A page in a tab. It records what the page writes to its console, and each address that it requests."""

    def __init__(self, browser, target, session):
        self.browser, self.target, self.session = browser, target, session
        self.complaints, self.addresses = [], []

    def take(self, method, params):
        """Record an event."""
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.complaints.append(" ".join(str(argument.get("value")) for argument in params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"{params['entry']['text']} {params['entry'].get('url', '')}".strip())
        elif method == "Network.requestWillBeSent":
            self.addresses.append(params["request"]["url"])

    def command(self, method, **params):
        """Carry out a command on this page."""
        return self.browser.command(method, session=self.session, **params)

    def evaluate(self, expression):
        """Return the value of a JavaScript expression. If the value is a promise, wait for its result."""
        answer = self.command("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise BrowserError(f"{expression}: {details.get('exception', {}).get('description', details['text'])}")
        return answer["result"].get("value")

    def wait(self, expression, about, seconds=10):
        """Wait until an expression is true, and return its value."""
        end = time.monotonic() + seconds
        while not (value := self.evaluate(expression)):
            if time.monotonic() > end:
                raise BrowserError(f"{about}: not within {seconds} s ({expression})")
            time.sleep(0.05)
        return value

    def text(self, selector):
        """Return the text of the first element that matches."""
        return self.evaluate(f"document.querySelector({json.dumps(selector)})?.textContent ?? null")

    def click(self, selector):
        """Click the first element that matches."""
        place = self.evaluate(
            f"(() => {{ const found = document.querySelector({json.dumps(selector)}); found.scrollIntoView({{block: 'center'}});"
            " const box = found.getBoundingClientRect();"
            " return {x: box.x + Math.min(20, box.width / 2), y: box.y + box.height / 2}; })()")
        for kind in ("mousePressed", "mouseReleased"):
            self.command("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **place)

    def move(self, x, y):
        """Move the mouse."""
        self.command("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def wheel(self, selector, delta):
        """Turn the mouse wheel over the middle of the first element that matches."""
        place = self.evaluate(
            f"(() => {{ const box = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
            " return {x: box.x + box.width / 2, y: box.y + box.height / 2}; })()")
        self.command("Input.dispatchMouseEvent", type="mouseWheel", deltaX=0, deltaY=delta, **place)

    def press(self, key):
        """Press a key."""
        press = KEYS.get(key, {"text": key})
        self.command("Input.dispatchKeyEvent", type="keyDown", key=key, **press)
        self.command("Input.dispatchKeyEvent", type="keyUp", key=key, **{k: v for k, v in press.items() if k != "text"})

    def type(self, text):
        """Type text into the focused element."""
        self.command("Input.insertText", text=text)

    def resize(self, width, height, scheme="light"):
        """Set the window's size and the page's colour scheme."""
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 700)
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def close(self):
        """Close the tab."""
        self.browser.command("Target.closeTarget", targetId=self.target)

    def screenshot(self, path):
        """Save the whole page as a PNG."""
        image = self.command("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(image))

"""A headless Chromium that sees loopback addresses alone, and dies with the test whatever happens."""
import base64
import ctypes
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import urllib.request
import zlib
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chromium.remote_connection import ChromiumRemoteConnection

from harness import PR_SET_PDEATHSIG, until
from ports import free_port

ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--no-first-run", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1")
SECONDS = 20   # for any one command


class Browser:
    def __init__(self):
        self.directory = Path(tempfile.mkdtemp(prefix="tinysup-browser-"))
        port = free_port()
        # a PID namespace of its own: Chromium is many processes, in sessions of their own
        self.driver = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "chromedriver", f"--port={port}"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "TMPDIR": str(self.directory)}, preexec_fn=lambda: ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
        try:
            self.web = self.connect(f"http://127.0.0.1:{port}")
        except BaseException:
            self.close()
            raise

    def connect(self, url):
        def answers():
            if self.driver.poll() is not None:
                raise AssertionError(f"chromedriver has ended with {self.driver.returncode}")
            try:
                with urllib.request.urlopen(f"{url}/status", timeout=SECONDS) as answer:
                    return answer.status == 200
            except OSError:
                return False
        until(answers, "chromedriver answers")
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for argument in (*ARGUMENTS, f"--user-data-dir={self.directory}/profile"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        connection = ChromiumRemoteConnection(url, "goog", "chrome")
        connection.set_timeout(SECONDS)
        web = webdriver.Remote(command_executor=connection, options=options)
        web.set_page_load_timeout(SECONDS)
        web.set_script_timeout(SECONDS)
        return web

    def close(self):
        self.driver.kill()   # and with it all of the namespace
        self.driver.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def devtools(self, command, **parameters):
        return self.web.execute("executeCdpCommand", {"cmd": command, "params": parameters})["value"]

    def run(self, script, *arguments):
        return self.web.execute_script(script, *arguments)

    def show(self, scheme="light", width=1000, height=900):
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)

    def complaints(self):
        """Of the console, since the last call."""
        return [entry["message"] for entry in self.web.get_log("browser") if entry["level"] != "INFO"]

    def picture(self, path, width, height):
        """All of the page into a file, in full; its colours, from a smaller one, with how often each is there."""
        clip = {"x": 0, "y": 0, "width": width, "height": height}
        full = self.devtools("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip={**clip, "scale": 1})
        small = self.devtools("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip={**clip, "scale": 0.25})
        path.write_bytes(base64.b64decode(full["data"]))
        return colours(base64.b64decode(small["data"]))


def colours(png):
    """Of an image of 8 bits a channel, as Chromium writes them (RFC 2083)."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    at, packed, found = 8, b"", {}
    while at < len(png):
        length, kind = struct.unpack_from(">I4s", png, at)
        body = png[at + 8:at + 8 + length]
        at += length + 12
        if kind == b"IHDR":
            width, height, depth, form = struct.unpack_from(">IIBB", body)
        elif kind == b"IDAT":
            packed += body
    size = {2: 3, 6: 4}[form]
    assert depth == 8
    rows, last = zlib.decompress(packed), bytearray(width * size)
    for y in range(height):
        begin = y * (width * size + 1)
        last = unfilter(rows[begin], bytearray(rows[begin + 1:begin + 1 + width * size]), last, size)
        for x in range(0, width * size, size):
            colour = bytes(last[x:x + 3])
            found[colour] = found.get(colour, 0) + 1
    return found


def unfilter(how, row, above, size):
    for i, byte in enumerate(row):
        left, up, corner = row[i - size] if i >= size else 0, above[i], above[i - size] if i >= size else 0
        if how == 1:
            byte += left
        elif how == 2:
            byte += up
        elif how == 3:
            byte += (left + up) // 2
        elif how == 4:
            guess = left + up - corner
            byte += min((left, up, corner), key=lambda value: abs(guess - value))
        row[i] = byte & 255
    return row

"""Fixtures for all tests: the photos beside the repository, the starter bundle, a clock and a file server."""

from __future__ import annotations

import gc
import gettext
import importlib
import io
import json
import os
import re
import shutil
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
from babel.messages.mofile import write_mo
from hypothesis import HealthCheck, settings

# In CI the same examples each time: chance finds faults for the one who runs tests, not for everyone who merges.
settings.register_profile(
    "patient",
    deadline=None,
    derandomize=os.environ.get("CI") == "true",
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("patient")
REPOSITORY = Path(__file__).resolve().parent.parent
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Before anything loads torch: test processes run side by side, each on one core, as those that they start do.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Without stored bytecode pytest rewrites every assertion anew, and each of hundreds of processes compiles the program.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# What the tests import stays for ever: looking through it for garbage time and again took a sixth of their collection.
gc.set_threshold(100_000, 20, 100)


def pytest_collection_finish() -> None:
    """Takes what the collection of tests loaded from the garbage collector's lists."""
    gc.collect()
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips tests that need macOS on other systems."""
    if sys.platform != "darwin" and item.get_closest_marker("macos"):
        pytest.skip("needs macOS")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photos and odd files that lies beside the repository."""
    folder = REPOSITORY.parent / "shared"
    if not folder.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail("../shared is missing although CI=true")
        pytest.skip("needs ../shared, the photos and files beside the repository")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _data_home(tmp_path_factory):
    """Keeps nothing of the shipped model among the models of the user who runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="session")
def starter() -> Path:
    """The bundle that ships with the repository."""
    return REPOSITORY / "assets" / "starter"


@pytest.fixture(scope="session")
def copy_model(starter):
    """Copies the shipped model to a folder, with other fields in its manifest; returns the folder."""

    def copy(folder, **fields):
        shutil.copytree(starter, folder)
        manifest = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
        (folder / "bundle.json").write_text(json.dumps(manifest | fields), encoding="utf-8")
        return folder

    return copy


@pytest.fixture
def no_video(monkeypatch, tmp_path_factory):
    """Hides the extra `video` from this process and from those that it starts."""
    folder = tmp_path_factory.mktemp("no_video")
    (folder / "cv2.py").write_text("raise ImportError", encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setitem(sys.modules, "cv2", None)
    return folder


@pytest.fixture
def clock(monkeypatch):
    """The clock of this process, which a test moves `ahead` by some seconds instead of waiting."""
    moved, monotonic = SimpleNamespace(ahead=0.0), time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + moved.ahead)
    return moved


@dataclass
class ServedFiles:
    """The files and faults of a local server; `requests` lists its requests as (path, headers)."""

    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    lengths: bool = True
    resets: list[int] = field(default_factory=list)  # the next connections break after so many bytes
    refusals: list[int] = field(default_factory=list)  # status codes of the next answers
    redirects: dict[str, str] = field(default_factory=dict)
    heads: dict[str, dict[str, str]] = field(default_factory=dict)  # more headers for a path
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    held: threading.Event | None = None  # set when half of a response is sent; the rest waits for `go_on`
    go_on: threading.Event = field(default_factory=threading.Event)


def _handler(served: ServedFiles):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args):
            pass

        def do_GET(self):
            served.requests.append((self.path, dict(self.headers)))
            self.close_connection = True
            if served.refusals:
                self._head(served.refusals.pop(0), {"Content-Length": "0"})
            elif self.path in served.redirects:
                self._head(302, {"Location": served.redirects[self.path], "Content-Length": "0"})
            elif self.path not in served.files:
                self._head(404, {"Content-Length": "0"})
            else:
                self._send(served.files[self.path])

        def _head(self, code, headers):
            self.send_response(code)
            for name, value in {**headers, **served.heads.get(self.path, {}), "Connection": "close"}.items():
                self.send_header(name, value)
            self.end_headers()

        def _send(self, data):
            start = self._start()
            if start is not None and start >= len(data):
                self._head(416, {"Content-Length": "0"})
                return
            headers = {}
            body = data[start or 0 :]
            if served.lengths:
                headers["Content-Length"] = str(len(body))
            if start is not None:
                headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            self._head(200 if start is None else 206, headers)
            if served.resets:
                body = body[: served.resets.pop(0)]
            if served.held is not None:
                self.wfile.write(body[: len(body) // 2])
                self.wfile.flush()
                served.held.set()
                served.go_on.wait(60)
                body = body[len(body) // 2 :]
            self.wfile.write(body)

        def _start(self):
            requested = self.headers.get("Range")
            if not served.ranges or requested is None:
                return None
            return int(requested.removeprefix("bytes=").removesuffix("-"))

    return Handler


@pytest.fixture
def server():
    """A local server: its files and faults, and its address."""
    served = ServedFiles()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(served))
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # clients may hang up early
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield served, f"http://127.0.0.1:{server.server_port}"
    finally:
        served.go_on.set()
        server.shutdown()
        thread.join()
        server.server_close()


def in_pseudo_language(text: str) -> str:
    """⟦tHE wORDS⟧ of a text around its values, tags, entities and mnemonics, which stay as they are."""
    parts = re.split(r"({[^}]*}|%n|<[^>]+>|&\w+;|&)", text)
    return "".join(
        f"⟦{part.swapcase()}⟧" if part.upper() != part.lower() and k % 2 == 0 else part
        for k, part in enumerate(parts)
    )


@pytest.fixture(scope="session")
def pseudo_catalogue():
    """Every text that translators get, in a language that nobody takes for English."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(REPOSITORY / "packaging"))
        catalogue = importlib.import_module("texts").extracted()
    for message in catalogue:
        if isinstance(message.id, tuple):
            message.string = tuple(map(in_pseudo_language, message.id))
        elif message.id:  # not the head of the file
            message.string = in_pseudo_language(message.id)
    write_mo(file := io.BytesIO(), catalogue)
    return gettext.GNUTranslations(io.BytesIO(file.getvalue()))


@pytest.fixture
def pseudo_language(monkeypatch, pseudo_catalogue):
    """The window and the engine speak this language."""
    monkeypatch.setattr("picsight.texts._catalogue", pseudo_catalogue)
    monkeypatch.setattr("picsight_engine.foundation.errors._ENGLISH", pseudo_catalogue)

"""Downloading: the right bytes or none, whatever happens to the connection; nothing is fetched twice."""

from __future__ import annotations

import hashlib
import random
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from picsight_engine.foundation.errors import CancelledError, DownloadError
from picsight_engine.installation.download import (
    DownloadedFile,
    DownloadProgress,
    DownloadRequest,
    RetryPolicy,
    download,
)

DATA = random.Random(7).randbytes(700_000)
QUICK = RetryPolicy(tries=3, pause=0.0, timeout=60.0)
COMMIT = "a" * 40


def sha256(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(autouse=True)
def served(server):
    """The files of the server, of which "/file" is one."""
    files, _ = server
    files.files["/file"] = DATA
    return files


@pytest.fixture
def fetch(served, server, tmp_path):
    """Downloads a file to a name in the test's folder, where it is as the server has it."""
    _, address = server

    def fetch_file(path="/file", name="file", **known):
        fetched = fetch_from(address + path, tmp_path / name, **known)
        assert (tmp_path / name).read_bytes() == served.files["/file"]
        return fetched

    return fetch_file


def fetch_from(address, target, *, limit=1_000_000, **known):
    *_, last = download(DownloadRequest(address, limit, **known), target, retries=QUICK)
    assert isinstance(last, DownloadedFile)
    return last


def test_a_file_arrives_whole_and_nothing_else_stays(server, fetch, tmp_path) -> None:
    _, address = server
    fetched = fetch(name="deep/file", size=len(DATA), sha256=sha256(DATA))
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["file"]
    assert fetched == DownloadedFile(f"{address}/file", len(DATA), sha256(DATA), None, None)


@pytest.mark.parametrize("lengths", [True, False])
def test_a_broken_download_continues_where_it_broke(served, fetch, lengths) -> None:
    served.lengths = lengths
    served.resets = [100_000, 200_000]
    fetch(size=len(DATA), sha256=sha256(DATA))
    assert [headers.get("Range") for _, headers in served.requests] == [
        None,
        "bytes=100000-",
        "bytes=300000-",
    ]


def test_a_connection_that_keeps_breaking_is_an_error_and_arrived_bytes_are_kept(
    served, fetch, tmp_path
) -> None:
    served.resets = [300_000, 0, 0, 0]
    with pytest.raises(DownloadError, match="What has arrived is kept"):
        fetch(sha256=sha256(DATA))
    assert not (tmp_path / "file").exists()
    served.resets = []
    served.requests.clear()
    fetch(sha256=sha256(DATA))
    assert [headers["Range"] for _, headers in served.requests] == ["bytes=300000-"]


def test_a_file_whose_stated_hash_changed_is_fetched_again(served, fetch) -> None:
    served.heads["/file"] = {"X-Linked-Etag": sha256(DATA)}
    served.resets = [300_000, 0, 0, 0]
    with pytest.raises(DownloadError):
        fetch()
    served.resets = []
    served.files["/file"] = other = DATA[::-1]
    served.heads["/file"] = {"X-Linked-Etag": sha256(other)}
    assert fetch().sha256 == sha256(other)


def test_a_file_without_a_known_hash_is_fetched_from_its_start(served, fetch) -> None:
    served.resets = [300_000]
    fetch()
    assert [headers.get("Range") for _, headers in served.requests] == [None, None]


def test_a_body_without_length_and_hash_is_refused_since_it_might_be_cut(served, fetch) -> None:
    served.lengths = False
    with pytest.raises(DownloadError, match="does not say how long"):
        fetch()
    served.heads["/file"] = {"X-Linked-Etag": sha256(DATA)}
    fetch()


def test_a_silent_server_is_given_up_and_every_byte_that_came_is_kept(served, server, tmp_path) -> None:
    _, address = server
    served.held = threading.Event()
    impatient = RetryPolicy(tries=1, pause=0.0, timeout=0.2)
    with pytest.raises(DownloadError, match="nothing arrives any more"):
        list(download(DownloadRequest(address + "/file", 10**6), tmp_path / "file", retries=impatient))
    assert (tmp_path / "file.part").read_bytes() == DATA[: len(DATA) // 2]


def test_a_server_without_ranges_sends_all_again(served, fetch) -> None:
    served.ranges = False
    served.resets = [300_000]
    fetch(sha256=sha256(DATA))


@pytest.mark.parametrize("note", ["[]", '{"other": 1}'])
def test_notes_that_are_not_ours_mean_a_fresh_start(served, fetch, tmp_path, note) -> None:
    (tmp_path / "file.part").write_bytes(DATA[::-1][:300_000])
    (tmp_path / "file.part.json").write_text(note)
    fetch(sha256=sha256(DATA))
    assert [headers.get("Range") for _, headers in served.requests] == [None]


@pytest.mark.parametrize(
    "known", [{"sha256": "0" * 64}, {"size": len(DATA) - 1}, {"limit": len(DATA) - 1, "sha256": sha256(DATA)}]
)
@pytest.mark.parametrize("lengths", [True, False])
def test_another_content_size_or_a_giant_is_refused_and_nothing_kept(
    served, fetch, tmp_path, known, lengths
) -> None:
    served.lengths = lengths
    with pytest.raises(DownloadError, match="not installed"):
        fetch(**known)
    assert list(tmp_path.iterdir()) == []


def test_hashes_that_the_repository_states_are_checked_and_recorded(served, server, fetch, tmp_path) -> None:
    _, address = server
    served.redirects["/main"] = "/hop"
    served.redirects["/hop"] = address + "/file"
    served.heads["/main"] = {"X-Linked-Etag": f'"{sha256(DATA)}"', "X-Repo-Commit": COMMIT}
    fetched = fetch("/main")
    assert (fetched.revision, fetched.stated_sha256) == (COMMIT, sha256(DATA))
    served.heads["/main"]["X-Linked-Etag"] = f'"{"1" * 64}"'
    with pytest.raises(DownloadError, match=r"127\.0\.0\.1:\d+ states"):
        fetch("/main", "other")
    assert not (tmp_path / "other").exists()


def test_a_redirect_keeps_the_range_and_carries_nothing_else(served, fetch) -> None:
    served.redirects["/main"] = "/file"
    served.resets = [300_000]
    fetch("/main", sha256=sha256(DATA))
    *_, (path, headers) = served.requests
    assert (path, headers["Range"]) == ("/file", "bytes=300000-")
    assert set(headers) <= {"Host", "User-Agent", "Accept-Encoding", "Range", "Connection"}


@pytest.mark.parametrize("place", ["http://example.invalid/x", "file:///etc/passwd", "/main"])
def test_neither_an_unsafe_place_nor_a_circle_of_redirects_is_followed(
    served, fetch, tmp_path, place
) -> None:
    served.redirects["/main"] = place
    with pytest.raises(DownloadError, match=r"not safe|answers 302"):
        fetch("/main")
    assert len(served.requests) <= 6
    with pytest.raises(DownloadError, match="not safe"):
        list(download(DownloadRequest("https://a:b@example.invalid/", 10), tmp_path / "file", retries=QUICK))


@pytest.fixture
def encrypted(tmp_path_factory):
    """An HTTPS server with a self-signed certificate that answers with a redirect or three bytes."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the program openssl to make a certificate")
    folder = tmp_path_factory.mktemp("certificate")
    options = (
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    )
    command = ["openssl", *options.split(), "-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    subprocess.run(command, check=True, capture_output=True)

    class Handler(BaseHTTPRequestHandler):
        leads_to = None

        def log_message(self, *args):
            pass

        def do_GET(self):
            self.send_response(302 if Handler.leads_to else 200)
            self.send_header("Location" if Handler.leads_to else "Content-Length", Handler.leads_to or "3")
            self.end_headers()
            self.wfile.write(b"" if Handler.leads_to else b"abc")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # a client that distrusts us hangs up
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield Handler, f"https://127.0.0.1:{server.server_port}", folder / "cert.pem"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_server_must_prove_its_name_and_never_leads_to_a_plain_connection(
    encrypted, server, tmp_path, monkeypatch
) -> None:
    handler, address, certificate = encrypted
    with pytest.raises(DownloadError, match="cannot prove that it is"):
        fetch_from(address, tmp_path / "file")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    fetch_from(address, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"abc"
    files, plain = server
    handler.leads_to = plain + "/file"
    with pytest.raises(DownloadError, match="not safe"):
        fetch_from(address, tmp_path / "other")
    assert files.requests == []


def test_a_busy_server_is_asked_again_and_a_refusal_is_final(served, fetch) -> None:
    served.refusals = [503, 429]
    fetch()
    with pytest.raises(DownloadError, match="404"):
        fetch("/nothing", "other")
    assert len(served.requests) == 4


def test_without_a_network_the_error_names_the_server(tmp_path) -> None:
    with socket.socket() as taken:  # bound, but not listening
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(DownloadError, match=r"could not be downloaded from 127\.0\.0\.1"):
            fetch_from(address + "/file", tmp_path / "file")


def test_a_cancelled_download_stops_in_the_middle_and_can_go_on(served, server, fetch, tmp_path) -> None:
    _, address = server
    cancel = threading.Event()
    served.held = threading.Event()
    stream = download(
        DownloadRequest(address + "/file", 10**6), tmp_path / "file", cancel=cancel, retries=QUICK
    )
    assert next(stream) == DownloadProgress(0, len(DATA))
    assert served.held.wait(60)
    cancel.set()
    with pytest.raises(CancelledError):
        list(stream)
    served.held = None
    served.go_on.set()
    fetch()


FULL = """
import resource, sys
from pathlib import Path
from picsight_engine.foundation.errors import StorageError
from picsight_engine.installation.download import RetryPolicy, DownloadRequest, download
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
try:
    list(download(DownloadRequest(sys.argv[1], 10**6, sha256=sys.argv[3]), Path(sys.argv[2]), retries=RetryPolicy(3, 0.0, 60.0)))
except StorageError as fault:
    print(fault)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="RLIMIT_FSIZE is for POSIX")
def test_a_full_disk_is_an_error_and_the_next_start_continues(served, server, fetch, tmp_path) -> None:
    _, address = server
    command = [sys.executable, "-c", FULL, address + "/file", str(tmp_path / "file"), sha256(DATA)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "make room" in done.stdout
    assert 0 < (tmp_path / "file.part").stat().st_size <= 400_000
    assert not (tmp_path / "file").exists()
    served.requests.clear()
    fetch(sha256=sha256(DATA))
    assert served.requests[0][1]["Range"].startswith("bytes=")


def test_a_later_start_checks_the_hash_of_earlier_bytes(served, fetch, tmp_path) -> None:
    """Bytes that were damaged between two attempts are not installed."""
    served.resets = [300_000, 0, 0, 0]
    with pytest.raises(DownloadError):
        fetch(sha256=sha256(DATA))
    part = tmp_path / "file.part"
    part.write_bytes(b"?" + part.read_bytes()[1:])
    served.resets = []
    with pytest.raises(DownloadError, match="not with the content"):
        fetch(sha256=sha256(DATA))
    fetch(sha256=sha256(DATA))

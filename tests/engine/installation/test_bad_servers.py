"""Servers that break the rules: whatever they answer, the end is the right file or one sentence, and never a joint one."""

from __future__ import annotations

import hashlib
import random
import socketserver
import threading

import pytest

from picsight_engine.errors import DownloadError
from picsight_engine.installation.download import Fetched, Patience, Wanted, download

DATA = random.Random(9).randbytes(200_000)
HALF = 100_000
HASH = hashlib.sha256(DATA).hexdigest()
QUICK = Patience(tries=3, pause=0.0, timeout=60.0)


def answer(body=DATA, status="200 OK", **headers):
    """What a server says, its header fields by name ("_" for "-"); a length of its own goes before the true one."""
    fields = {"Content_Length": len(body), "ETag": '"one"', **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "Connection: close", "", ""]).encode("latin-1") + body


def part(start, data=DATA, total=None, **headers):
    body = data[start:]
    where = f"bytes {start}-{len(data) - 1}/{len(data) if total is None else total}"
    return answer(body, "206 Partial Content", **{"Content_Range": where, **headers})


CUT = answer()[: -len(DATA) + HALF]


@pytest.fixture
def script():
    """Answers to come, one a connection, the last for ever; the requests so far; the address."""
    answers, requests = [], []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            request = b""
            while b"\r\n\r\n" not in request:
                request += self.request.recv(4096)
            requests.append(request.decode("latin-1"))
            now = answers.pop(0) if len(answers) > 1 else answers[0]
            if callable(now):
                now(self.wfile.write)
            else:
                self.wfile.write(now)

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # a client that has heard enough hangs up
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield answers, requests, f"http://127.0.0.1:{server.server_address[1]}/file"
    server.shutdown()
    thread.join()
    server.server_close()


def fetch(address, target, *, patience=QUICK, **known):
    *_, last = download(Wanted(address, 1_000_000, **known), target, patience=patience)
    assert isinstance(last, Fetched)
    return target.read_bytes()


def asked_from(requests):
    """Where each request wanted the file to begin."""
    lines = [
        line for request in requests for line in request.split("\r\n") if line.startswith(("GET", "Range"))
    ]
    return [line for line in lines if line.startswith("Range")], sum(line.startswith("GET") for line in lines)


@pytest.mark.parametrize(
    "wrong",
    [
        part(HALF + 1),
        part(HALF, ETag='"two"'),
        part(HALF, total=HALF),
        part(HALF, Content_Range=None),
        answer(b"", "416 Range Not Satisfiable", Content_Range=f"bytes */{len(DATA)}"),
    ],
    ids=["behind", "another tag", "shorter than itself", "nowhere", "refused"],
)
def test_what_is_not_the_rest_of_the_same_file_is_never_joined_to_it(script, tmp_path, wrong) -> None:
    answers, requests, address = script
    answers += [CUT, wrong, answer(DATA[::-1])]
    assert fetch(address, tmp_path / "file") == DATA[::-1]
    assert asked_from(requests) == ([f"Range: bytes={HALF}-"], 3)


def test_a_tag_is_remembered_also_where_the_rest_comes_without_one(script, tmp_path) -> None:
    answers, requests, address = script
    untagged = part(HALF, ETag=None)[: -len(DATA) + HALF + 50_000]
    answers += [CUT, untagged, part(HALF + 50_000, ETag='"two"'), answer(DATA[::-1])]
    assert fetch(address, tmp_path / "file") == DATA[::-1]
    assert [request.count('If-Range: "one"') for request in requests] == [0, 1, 1, 0]


def test_a_repository_that_states_another_hash_than_before_has_another_file(script, tmp_path) -> None:
    answers, _, address = script
    other = hashlib.sha256(DATA[::-1]).hexdigest()
    answers += [
        answer(X_Linked_Etag=HASH)[: -len(DATA) + HALF],
        part(HALF, DATA[::-1], X_Linked_Etag=other),
        answer(DATA[::-1], X_Linked_Etag=other),
    ]
    assert fetch(address, tmp_path / "file") == DATA[::-1]


def test_a_server_that_breaks_off_and_changes_for_ever_is_given_up(script, tmp_path) -> None:
    answers, requests, address = script
    answers += [CUT, part(HALF, ETag='"two"')] * 20
    with pytest.raises(DownloadError, match="could not be downloaded"):
        fetch(address, tmp_path / "file")
    assert len(requests) <= 6


def test_a_silent_server_is_given_up_and_every_byte_that_came_is_kept(script, tmp_path) -> None:
    answers, _, address = script
    asked = threading.Event()

    def fall_silent(write):
        write(CUT)
        asked.wait(60)

    answers += [fall_silent]
    with pytest.raises(DownloadError, match="nothing arrives any more"):
        fetch(address, tmp_path / "file", patience=Patience(tries=1, pause=0.0, timeout=0.3))
    asked.set()
    assert (tmp_path / "file.part").read_bytes() == DATA[:HALF]


def test_a_body_without_length_and_hash_is_refused_since_it_might_be_cut(script, tmp_path) -> None:
    answers, _, address = script
    answers += [answer(DATA[:HALF], Content_Length=None)]
    with pytest.raises(DownloadError, match="does not say how long"):
        fetch(address, tmp_path / "file")
    answers += [answer(Content_Length=None, X_Linked_Etag=HASH)]
    answers.pop(0)
    assert fetch(address, tmp_path / "file") == DATA


def test_a_body_in_pieces_tells_its_own_end(script, tmp_path) -> None:
    answers, _, address = script
    pieces = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (DATA[:HALF], DATA[HALF:]))
    whole = answer(pieces + b"0\r\n\r\n", Content_Length=None, Transfer_Encoding="chunked")
    answers += [whole[:-20_000]]
    with pytest.raises(DownloadError, match="broke off"):
        fetch(address, tmp_path / "file")
    answers[:] = [whole]
    assert fetch(address, tmp_path / "file") == DATA


def test_a_hash_that_is_known_outweighs_what_the_server_states(script, tmp_path) -> None:
    answers, _, address = script
    answers += [answer(X_Linked_Etag="0" * 64)]
    assert fetch(address, tmp_path / "file", sha256=HASH) == DATA
    with pytest.raises(DownloadError, match="states"):
        fetch(address, tmp_path / "other")


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (answer(b"", "204 No Content"), "204 No Content"),
        (answer(b"", "418 \x1b[31mI am your father"), "answers 418 I'm a Teapot"),
        (answer(b"", "302 Found", Location="https://[::1"), "could not be downloaded"),
        (b"SSH-2.0-OpenSSH_9.6 \x1b[31m\r\n\r\n", "no answer"),
    ],
    ids=["empty", "words", "no address", "not HTTP"],
)
def test_nonsense_is_one_clean_sentence(script, tmp_path, bad, sentence) -> None:
    answers, _, address = script
    answers += [bad]
    with pytest.raises(DownloadError) as caught:
        fetch(address, tmp_path / "file")
    assert sentence in str(caught.value)
    assert str(caught.value).isprintable()
    assert not (tmp_path / "file").exists()


def test_a_file_that_arrived_whole_just_before_a_kill_is_not_asked_for_again(script, tmp_path) -> None:
    answers, requests, address = script
    answers += [answer()]
    for event in download(Wanted(address, 1_000_000), tmp_path / "file", patience=QUICK):
        if isinstance(event, Fetched):
            break  # killed before anybody took note of it
    assert fetch(address, tmp_path / "file") == DATA
    assert len(requests) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]

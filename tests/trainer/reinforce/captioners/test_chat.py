"""A server of the user's own is asked in the usual chat format, and its failures are told."""

from __future__ import annotations

import base64
import io
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import PIL.Image
import pytest

from mctrain.errors import TrainerError, WeightsError
from mctrain.reinforce.captioners.captioner import Manner
from mctrain.reinforce.captioners.open import open_captioner


@pytest.fixture
def server():
    """Answers what `answers` says, in order (status, content, headers; no status: bytes that are no HTTP), then a text with
    the seed; `asked` is what came.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.asked.append((self.path, self.headers.get("Authorization"), body))
            said = {"choices": [{"message": {"content": f"A dog, seed {body['seed']}. It sits."}}]}
            status, content, *more = server.answers.pop(0) if server.answers else (200, json.dumps(said))
            if status is None:
                self.wfile.write(content.encode())
                return
            self.send_response(status)
            for name, value in more:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content.encode())

        def do_GET(self):
            server.asked.append((self.path, self.headers.get("Authorization"), None))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.answers, server.asked = [], []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def captioner(server):
    return open_captioner(f"http://127.0.0.1:{server.server_port}/v1@seer")


PICTURE = PIL.Image.new("RGB", (900, 300), (200, 30, 30))


def test_each_caption_is_a_question_with_the_photo_and_a_seed(server, captioner, monkeypatch):
    monkeypatch.setenv("MCTRAIN_CHAT_KEY", "open sesame")
    texts = captioner.describe([PICTURE], [7], Manner(captions=2, top_p=0.8, tokens=25))
    assert texts == [("A dog, seed 7. It sits.", "A dog, seed 8. It sits.")]
    path, key, body = server.asked[0]
    assert (path, key) == ("/v1/chat/completions", "Bearer open sesame")
    assert (body["model"], body["top_p"], body["max_tokens"]) == ("seer", 0.8, 25)
    image = body["messages"][0]["content"][1]["image_url"]["url"]
    sent = PIL.Image.open(io.BytesIO(base64.b64decode(image.partition(",")[2])))
    assert sent.size == (448, 149)
    assert sent.convert("RGB").getpixel((200, 70))[0] > 180


def test_a_busy_server_is_asked_again(server, captioner):
    server.answers = [(503, ""), (429, "")]
    assert captioner.describe([PICTURE], [1], Manner(captions=1)) == [("A dog, seed 1. It sits.",)]


@pytest.mark.parametrize(
    ("status", "content", "told"),
    [
        (404, "", "answers 404 Not Found; look at its log"),
        (200, "<html>", "another format than chat completions"),
        (200, '{"choices": []}', "another format than chat completions"),
        (200, '{"choices": [{"message": {"content": null}}]}', "another format than chat completions"),
        (200, "[" * 100_000, "another format than chat completions"),
        (None, "no HTTP\r\n\r\n", "breaks off, or answers no HTTP: .*; look at its log"),
    ],
)
def test_an_answer_that_is_none_is_told(server, captioner, status, content, told):
    server.answers = [(status, content)]
    with pytest.raises(TrainerError, match=told):
        captioner.describe([PICTURE], [1], Manner())


def test_an_answer_that_breaks_off_is_told(server, captioner):
    server.answers = [(200, '{"choices": [', ("Content-Length", "5000"))]
    with pytest.raises(TrainerError, match=r"breaks off, or answers no HTTP: IncompleteRead\(13 bytes"):
        captioner.describe([PICTURE], [1], Manner())


def test_a_server_is_not_followed_to_an_address_that_nobody_named(server, captioner, monkeypatch):
    monkeypatch.setenv("MCTRAIN_CHAT_KEY", "open sesame")
    server.answers = [(302, "", ("Location", f"http://localhost:{server.server_port}/elsewhere"))]
    with pytest.raises(TrainerError, match="answers 302 Found"):
        captioner.describe([PICTURE], [1], Manner())
    assert [path for path, *_ in server.asked] == ["/v1/chat/completions"]


def test_a_key_that_is_none_is_told_and_not_shown(captioner, monkeypatch):
    monkeypatch.setenv("MCTRAIN_CHAT_KEY", "open\nsesame")
    with pytest.raises(TrainerError, match="MCTRAIN_CHAT_KEY holds what is in no key") as told:
        captioner.describe([PICTURE], [1], Manner())
    assert "sesame" not in str(told.value)


@pytest.mark.parametrize("url", ["http:///v1", "http://[::1/v1", "http://a b/v1", "http://here:port/v1"])
def test_an_address_that_is_none_is_told_before_anything_is_asked(url):
    with pytest.raises(TrainerError, match="is no address of a server"):
        open_captioner(f"{url}@seer")


def test_a_server_that_is_not_there_and_a_captioner_that_is_none_are_told():
    with pytest.raises(TrainerError, match=r"does not answer: .*; is the server running"):
        open_captioner("http://127.0.0.1:9/v1@seer").describe([PICTURE], [1], Manner())
    with pytest.raises(TrainerError, match="names no model"):
        open_captioner("http://127.0.0.1/v1")
    with pytest.raises(WeightsError, match="is no captioner; write"):
        open_captioner("seer")

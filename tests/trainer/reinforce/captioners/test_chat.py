"""A chat server is asked for captions, and its failures are reported."""

from __future__ import annotations

import base64
import io
import json
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice

import PIL.Image
import pytest
from tests.trainer.conftest import run_mctrain, write_photos

from mctrain.cli.commands.caption import open_captioner
from mctrain.data.shards import grouped, samples
from mctrain.errors import TrainerError, WeightsError
from mctrain.reinforce.captioners.captioner import SamplingSettings
from mctrain.reinforce.captioners.chat import ChatCaptioner


@pytest.fixture
def server():
    """A chat server: it sends `answers` in order (status, content, headers; no status: bytes that are no HTTP), then `always`, a
    text with the seed. `asked` lists the requests. No answer leaves before `gate` has as many requests as it waits for.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.asked.append((self.path, self.headers.get("Authorization"), body))
            reply = {"choices": [{"message": {"content": server.always.format(**body)}}]}
            server.gate.wait(10)
            status, content, *more = server.answers.pop(0) if server.answers else (200, json.dumps(reply))
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

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.answers, server.asked = [], []
    server.always, server.gate = "A dog, seed {seed}. It sits.", threading.Barrier(1)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def waits():
    """The seconds that the captioner waited."""
    return []


@pytest.fixture
def captioner(server, waits):
    return ChatCaptioner(f"http://127.0.0.1:{server.server_port}/v1@seer", 1, waits.append)


PICTURE = PIL.Image.new("RGB", (900, 300), (200, 30, 30))


def test_each_caption_is_a_question_with_the_photo_and_a_seed(server, captioner, monkeypatch):
    monkeypatch.setenv("MCTRAIN_CHAT_KEY", "open sesame")
    texts = captioner.describe([PICTURE], [7], SamplingSettings(captions=2, top_p=0.8, tokens=25))
    assert texts == [("A dog, seed 7. It sits.", "A dog, seed 8. It sits.")]
    path, key, body = server.asked[0]
    assert (path, key) == ("/v1/chat/completions", "Bearer open sesame")
    assert (body["model"], body["top_p"], body["max_tokens"]) == ("seer", 0.8, 25)
    image = body["messages"][0]["content"][1]["image_url"]["url"]
    sent = PIL.Image.open(io.BytesIO(base64.b64decode(image.partition(",")[2])))
    assert sent.size == (448, 149)
    assert sent.convert("RGB").getpixel((200, 70))[0] > 180


def test_a_busy_server_is_asked_again_after_the_time_it_names(server, captioner, waits):
    server.answers = [(503, ""), (429, "", ("Retry-After", "7")), (504, "")]
    assert captioner.describe([PICTURE], [1], SamplingSettings(captions=1)) == [("A dog, seed 1. It sits.",)]
    assert waits == [1, 7, 4]


FAILURES = [
    (500, "\u001b[31mred", "Internal Server Error: \N{REPLACEMENT CHARACTER}\\[31mred; look at its log"),
    (200, "[" * 100_000, "another format than chat completions"),
    (200, '{"choices": [{"message": {"content": null}}]}', "another format than chat completions"),
    (None, "no HTTP\r\n\r\n", "breaks the connection or does not speak HTTP: .*; look at its log"),
]


@pytest.mark.parametrize(("status", "content", "message"), FAILURES)
def test_a_photo_without_an_answer_is_left_out_and_eight_in_a_row_end_the_work(
    server, captioner, waits, status, content, message
):
    """A request is repeated twice before it is given up."""
    server.answers = [(status, content)] * 3
    assert captioner.describe([PICTURE] * 2, [1, 2], SamplingSettings(captions=1)) == [
        (),
        ("A dog, seed 2. It sits.",),
    ]
    assert waits == [1, 4]
    server.answers = [(status, content)] * 300
    with pytest.raises(TrainerError, match=f"{message}.* 8 photos in a row"):
        captioner.describe([PICTURE] * 100, [1] * 100, SamplingSettings(captions=1))
    assert 3 * 8 <= 300 - len(server.answers) < 300  # some are asked while others are looked at


def test_several_questions_are_asked_at_a_time(server):
    server.gate = threading.Barrier(4)
    several = open_captioner(f"http://127.0.0.1:{server.server_port}/v1@seer", 4)
    assert several.describe([PICTURE] * 2, [1, 5], SamplingSettings(captions=2)) == [
        ("A dog, seed 1. It sits.", "A dog, seed 2. It sits."),
        ("A dog, seed 5. It sits.", "A dog, seed 6. It sits."),
    ]


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no signal reaches one thread here")
def test_an_interrupt_waits_for_no_answer(server, captioner):
    class Interrupting(list):
        def append(self, question):
            super().append(question)
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    server.asked, server.gate = Interrupting(), threading.Barrier(2)
    with pytest.raises(KeyboardInterrupt):
        captioner.describe([PICTURE], [1], SamplingSettings(captions=1))
    server.gate.wait(10)  # the answer is still owed


@pytest.mark.parametrize("status", [401, 404])
def test_a_refused_key_or_model_ends_the_work_with_the_servers_words(server, captioner, monkeypatch, status):
    monkeypatch.setenv("MCTRAIN_CHAT_KEY", "open sesame")
    server.answers = [(status, '{"error": {"message": "No open sesame here."}}')]
    with pytest.raises(TrainerError, match=rf"answers {status} \w+( \w+)?: .*No … here.*; look at its log"):
        captioner.describe([PICTURE], [1], SamplingSettings())
    assert len(server.asked) == 1


def test_a_redirect_is_not_followed(server, captioner, monkeypatch):
    monkeypatch.setenv("MCTRAIN_CHAT_KEY", "open sesame")
    server.answers = [(302, "", ("Location", f"http://localhost:{server.server_port}/elsewhere"))]
    with pytest.raises(TrainerError, match="answers 302 Found"):
        captioner.describe([PICTURE], [1], SamplingSettings())
    assert [path for path, *_ in server.asked] == ["/v1/chat/completions"]


def test_an_invalid_key_is_reported_but_not_shown(captioner, monkeypatch):
    monkeypatch.setenv("MCTRAIN_CHAT_KEY", "open\nsesame")
    with pytest.raises(TrainerError, match="MCTRAIN_CHAT_KEY holds characters that no key has") as caught:
        captioner.describe([PICTURE], [1], SamplingSettings())
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize("url", ["http:///v1", "http://[::1/v1", "http://a b/v1", "http://here:port/v1"])
def test_an_invalid_address_is_refused(url):
    with pytest.raises(TrainerError, match="is not the address of a server"):
        open_captioner(f"{url}@seer")


def test_a_missing_server_and_an_invalid_captioner_are_reported():
    with pytest.raises(TrainerError, match=r"does not answer: .*; is the server running"):
        open_captioner("http://127.0.0.1:9/v1@seer").describe([PICTURE], [1], SamplingSettings())
    with pytest.raises(TrainerError, match="names no model"):
        open_captioner("http://127.0.0.1/v1")
    with pytest.raises(WeightsError, match="is not a captioner; write"):
        open_captioner("seer")


@pytest.fixture
def caption(server, photo_sets, tmp_path):
    """Runs the command on 10 photos with a request each, and returns its output."""
    photos = islice(samples(photo_sets / "flickr8k-train-000000.tar"), 10)
    write_photos(tmp_path / "in-0.tar", photos, b"{}")

    def run(model):
        words = ["caption", tmp_path / "in-0.tar", "-o", tmp_path / "out", "--captions", "1"]
        words += ["--captioner", f"http://127.0.0.1:{server.server_port}/v1@{model}", "--concurrency", "1"]
        return run_mctrain(*words).output

    return run


def test_the_same_caption_for_all_photos_is_warned_of_before_and_after(server, caption):
    server.always = "I'm sorry, I can't help with that."
    output = caption("seer")
    assert len(server.asked) == 10 + 10
    assert (
        "Processing 10 photos of in-0.tar for an estimate.\n10 of 10 photos have the caption “I'm sorry"
        in output
    )
    assert output.count("check whether the captioner sees them") == 2


def test_a_run_without_a_result_may_change_its_captioner(server, caption, tmp_path):
    server.answers = [(404, "no such model")]
    with pytest.raises(TrainerError, match="no such model"):
        caption("blind")
    server.answers = [(400, "")] * 11  # one of the forecast, and then one photo
    server.answers[1:10] = [(200, '{"choices": [{"message": {"content": "A tree"}}]}')] * 9
    output = caption("seer")
    assert "9 samples in 1 shard; left out: 1 faulty" in output
    assert "1 no answer" in output
    assert len(list(grouped(tmp_path / "out" / "in-0.tar"))) == 9
    with pytest.raises(TrainerError, match="was begun with other captioner"):
        caption("other")

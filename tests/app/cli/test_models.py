"""`picsight models`: from the licence to the model that answers, with a server on this computer; then checked and removed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.app.cli.conftest import SPACE
from tests.shell import Done

from picsight_engine.bundles.bundle import Licence, open_bundle
from picsight_engine.installation import catalogue
from picsight_engine.installation.catalogue import CatalogueEntry, RemoteFile

STARTER = "picsight-starter"


@pytest.fixture
def offered(server, starter, monkeypatch, home):
    """A catalogue of one model, the starter's towers on the server; a home without models."""
    shelf, address = server
    manifest = open_bundle(starter).manifest
    files = []
    for name in ("image.onnx", "text.onnx", "tokenizer.json"):
        shelf.files[f"/r/resolve/v1/{name}"] = (starter / name).read_bytes()
        record = manifest.files[name]
        files.append(RemoteFile(name, f"{address}/r", name, record.bytes, "v1", record.bytes, record.sha256))
    entry = CatalogueEntry(
        name="better",
        title="Better",
        words="Knows more.",
        licence=Licence("kind", "https://example.org/kind", accept=True),
        terms="Be kind.",
        dim=manifest.dim,
        space_id="0123456789abcdef",
        logit_scale=100.0,
        image=manifest.image,
        text=manifest.text,
        image_ms=10.0,
        files=tuple(files),
    )
    monkeypatch.setattr(catalogue, "CATALOGUE", (entry,))
    return shelf


def test_a_model_is_installed_and_a_second_time_costs_nothing(offered, fresh):
    for asked in (3, 0):
        offered.requests.clear()
        document = fresh.json("models", "install", "better", "--accept-licence")
        assert (document["name"], document["space"]) == ("better", "0123456789abcdef")
        assert len(offered.requests) == asked
    assert "Better is in use." in fresh("models", "use", "better").out


def test_a_broken_line_is_a_sentence_and_the_next_call_goes_on(offered, fresh):
    whole = offered.files.pop("/r/resolve/v1/text.onnx")
    done = fresh("models", "install", "better", "--accept-licence")
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert "404" in done.err
    offered.files["/r/resolve/v1/text.onnx"] = whole
    offered.requests.clear()
    assert fresh("models", "install", "better", "--accept-licence", "--quiet") == Done(0, "", "")
    assert [path for path, _ in offered.requests] == ["/r/resolve/v1/text.onnx"]


def test_published_files_are_installed_under_the_name_that_they_belong_to(offered, starter, fresh, tmp_path):
    (tmp_path / "fetched").mkdir()
    for name in ("image.onnx", "text.onnx", "tokenizer.json"):
        shutil.copyfile(starter / name, tmp_path / "fetched" / name)
    offered.files.clear()
    words = ("models", "install", "--from-file", tmp_path / "fetched")
    assert "name it: picsight models install" in fresh(*words).err
    refused = fresh(*words, "better")
    assert (refused.code, "--accept-licence" in refused.err) == (2, True)
    assert fresh.json(*words, "better", "--accept-licence")["space"] == "0123456789abcdef"
    assert offered.requests == []


def states(shell):
    return {model["name"]: model for model in shell.json("models", "list")["models"]}


def test_a_model_s_way_from_a_file_to_answers_and_back(own, second, home, tmp_path):
    models = states(own)
    assert [name for name, model in models.items() if model["answers"]] == [STARTER] == list(models)[:1]
    assert {model["state"] for name, model in models.items() if name != STARTER} == {"available"}
    packed = shutil.make_archive(str(tmp_path / "second"), "tar", second.parent, "second")
    words = ("models", "install", "--from-file", packed)
    refused = own(*words)
    assert (refused.code, refused.err.count("\n"), "--accept-licence" in refused.err) == (2, 1, True)
    assert 'holds the model "second", not "better"' in own(*words, "better", "--accept-licence").err
    installed = own.json(*words, "--accept-licence")
    assert (installed["name"], installed["space"]) == ("second", SPACE)
    assert states(own)["second"]["photos"] == 4
    used = own.json("models", "use", "second")
    assert used == {"name": "second", "space": SPACE, "answers": STARTER, "photos": 4}
    before = own.json("search", "cat")
    assert (before["space"] != SPACE, before["photos"]) == (True, 4)
    assert own.json("index")["indexed"] == 4
    assert own.json("search", "cat")["space"] == own.json("status")["space"] == SPACE
    assert own.json("doctor")["ok"]
    refused = own("models", "remove", "second")
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert f"used by the library in {own.library}" in refused.err
    assert own.json("models", "use", STARTER)["photos"] == 0
    assert own.json("search", "cat")["results"] == before["results"]
    verdicts = own.json("models", "verify")["models"]
    assert [verdict["name"] for verdict in verdicts] == [STARTER, "second"]
    assert all(verdict["ok"] and "looks trained: yes" in verdict["message"] for verdict in verdicts)
    assert own.json("models", "remove", "second") == {"removed": "second"}
    assert own("models", "use", "second").code == 2


def test_a_model_that_is_damaged_or_deleted_by_hand_is_named_and_another_one_takes_over(own, second, home):
    folder = Path(own.json("models", "install", "--from-file", second, "--accept-licence")["folder"])
    own.json("models", "use", "second")
    own.json("index")
    for name in ("bundle.json", "text.onnx", "tokenizer.json"):
        data = (folder / name).read_bytes()
        (folder / name).unlink()
        done = own("search", "cat", "--json")
        assert (done.code, done.out, done.err.count("\n"), name in done.err) == (3, "", 1, True), done
        (folder / name).write_bytes(data)
    (folder / "text.onnx").write_bytes(b"\xff" * 1000)
    done = own("models", "verify", "second", "--json")
    assert (done.code, done.document["ok"]) == (3, False)
    assert str(folder / "text.onnx") in done.document["models"][0]["message"]
    health = own("doctor", "--json")
    assert health.code == 3
    assert any("text.onnx" in check["message"] for check in health.document["checks"] if not check["ok"])
    assert states(own)["second"]["state"] == "damaged"
    shutil.rmtree(folder)
    done = own("index")
    assert (done.code, done.err.count("\n")) == (3, 1)
    assert f"picsight models use {STARTER}" in done.err
    assert own("models", "list").out.count("second: damaged") == 1
    assert own.json("models", "use", STARTER)["photos"] == 0
    assert own.json("index")["unchanged"] == 4


def test_what_a_stranger_wrote_into_a_model_cannot_colour_the_screen(fresh, second, home, tmp_path):
    odd = Path(shutil.copytree(second, tmp_path / "odd"))
    data = json.loads((odd / "bundle.json").read_text())
    data |= {
        "name": "odd",
        "title": "\x1b[31mOdd\nOne",
        "licence": {"id": "\x1b[2J", "url": "", "accept": True},
    }
    (odd / "bundle.json").write_text(json.dumps(data))
    install = ["install", "--from-file", odd]
    for words in (install, [*install, "--accept-licence"], ["list"], ["use", "odd"]):
        done = fresh("models", *words)
        assert "\x1b" not in done.out + done.err
    assert done.code == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "Missing command"),
        (["install"], "--from-file"),
        (["install", "nothing", "--accept-licence"], "mobileclip-s2"),
        (["install", "https://example.com/model", "--accept-licence"], "There is no model"),
        (["install", "../model", "--accept-licence"], "There is no model"),
        (["install", "mobileclip-s2", "--from-file", ".", "--accept-licence"], "onnx/vision_model.onnx"),
        (["install", "--from-file", "/never/there"], "/never/there"),
        (["use", "../starter"], "not installed"),
        (["verify", "nothing"], "not installed"),
        (["remove", "nothing"], "not installed"),
        (["remove", STARTER], "comes with Picsight"),
    ],
)
def test_wrong_usage_of_models(fresh, home, words, sentence):
    done = fresh("models", *words)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert sentence in done.err

"""`picsight models`: from the licence to the model that answers, with a server on this computer; then checked and removed."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from tests.app.cli.conftest import KNOWN, SPACE
from tests.shell import Done

from picsight import locations
from picsight_engine.bundles.bundle import Licence, open_bundle, write_bundle
from picsight_engine.bundles.shipped import TEXT_TOWERS
from picsight_engine.foundation.private_files import is_open_to_others
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
    licence = Licence("kind", "https://example.org/kind", accept=True)
    entry = CatalogueEntry(
        "better", "Better", "Knows more.", licence, "Be kind.", 10.0, tuple(files), dim=manifest.dim,
        space_id="0123456789abcdef", logit_scale=100.0, image=manifest.image, text=manifest.text,
    )  # fmt: skip
    monkeypatch.setattr(catalogue, "CATALOGUE", (entry,))
    return shelf


def test_a_model_is_downloaded_once(offered, fresh):
    for requests in (3, 0):
        offered.requests.clear()
        document = fresh.json("models", "install", "better", "--accept-licence")
        assert (document["name"], document["space"]) == ("better", "0123456789abcdef")
        assert len(offered.requests) == requests
    assert "Better is in use." in fresh("models", "use", "better").out


def test_a_failed_download_is_one_sentence_and_the_next_call_resumes_it(offered, fresh):
    whole = offered.files.pop("/r/resolve/v1/text.onnx")
    assert "404" in fresh("models", "install", "better", "--accept-licence").sentence(1)
    offered.files["/r/resolve/v1/text.onnx"] = whole
    offered.requests.clear()
    assert fresh("models", "install", "better", "--accept-licence", "--quiet") == Done(0, "", "")
    assert [path for path, _ in offered.requests] == ["/r/resolve/v1/text.onnx"]


def test_published_files_are_installed_under_the_name_of_their_model(offered, starter, fresh, tmp_path):
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


def states(picsight):
    return {model["name"]: model for model in picsight.json("models", "list")["models"]}


def test_a_model_is_installed_from_a_file_used_and_removed(picsight, second_model, home, tmp_path):
    models = states(picsight)
    assert [name for name, model in models.items() if model["answers"]] == [STARTER] == list(models)[:1]
    assert {model["state"] for name, model in models.items() if name != STARTER} == {"available"}
    packed = shutil.make_archive(str(tmp_path / "second"), "tar", second_model.parent, "second")
    words = ("models", "install", "--from-file", packed)
    assert "--accept-licence" in picsight("models", "install", packed).sentence(2)
    assert "--accept-licence" in picsight(*words).sentence(2)
    assert 'holds the model "second", not "better"' in picsight(*words, "better", "--accept-licence").err
    installed = picsight.json(*words, "--accept-licence")
    assert (installed["name"], installed["space"]) == ("second", SPACE)
    assert states(picsight)["second"]["photos"] == 4
    used = picsight.json("models", "use", "second")
    assert used == {"name": "second", "space": SPACE, "answers": STARTER, "photos": 4}
    before = picsight.json("search", "cat")
    assert (before["space"] != SPACE, before["photos"]) == (True, 4)
    assert picsight.json("index")["indexed"] == 4
    assert picsight.json("search", "cat")["space"] == picsight.json("status")["space"] == SPACE
    assert picsight.json("doctor")["ok"]
    refusal = picsight("models", "remove", "second").sentence(2)
    assert f"used by the library in {picsight.library}" in refusal
    assert picsight.json("models", "use", STARTER)["photos"] == 0
    assert picsight.json("search", "cat")["results"] == before["results"]
    verdicts = picsight.json("models", "verify")["models"]
    assert [verdict["name"] for verdict in verdicts] == [STARTER, "second"]
    assert all(verdict["ok"] and "looks trained: yes" in verdict["message"] for verdict in verdicts)
    assert picsight.json("models", "remove", "second") == {"removed": "second"}
    assert picsight("models", "use", "second").code == 2


def test_a_damaged_or_deleted_model_is_named_and_another_one_takes_over(picsight, second_model, home):
    installed = picsight.json("models", "install", "--from-file", second_model, "--accept-licence")
    folder = Path(installed["folder"])
    picsight.json("models", "use", "second")
    picsight.json("index")
    for name in ("bundle.json", "text.onnx", "tokenizer.json"):
        data = (folder / name).read_bytes()
        (folder / name).unlink()
        assert name in picsight("search", "cat", "--json").sentence(3)
        (folder / name).write_bytes(data)
    (folder / "text.onnx").write_bytes(b"\xff" * 1000)
    done = picsight("models", "verify", "second", "--json")
    assert (done.code, done.document["ok"]) == (3, False)
    assert str(folder / "text.onnx") in done.document["models"][0]["message"]
    health = picsight("doctor", "--json")
    assert health.code == 3
    assert any("text.onnx" in check["message"] for check in health.document["checks"] if not check["ok"])
    assert states(picsight)["second"]["state"] == "damaged"
    shutil.rmtree(folder)
    assert f"picsight models use {STARTER}" in picsight("index").sentence(3)
    assert picsight("models", "list").out.count("second: damaged") == 1
    assert picsight.json("models", "use", STARTER)["photos"] == 0
    assert picsight.json("index")["unchanged"] == 4


def test_words_of_a_model_s_manifest_cannot_colour_the_screen(fresh, copy_model, home, tmp_path):
    licence = {"id": "\x1b[2J", "url": "", "accept": True}
    odd = copy_model(tmp_path / "odd", name="odd", title="\x1b[31mOdd\nOne", space_id=SPACE, licence=licence)
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
        (["install", "../model", "--accept-licence"], "There is nothing at"),
        (["install", "mobileclip-s2", "--from-file", ".", "--accept-licence"], "onnx/vision_model.onnx"),
        (["install", "--from-file", "/never/there"], "/never/there"),
        (["use", "../starter"], "not installed"),
        (["verify", "nothing"], "not installed"),
        (["remove", "nothing"], "not installed"),
        (["remove", STARTER], "comes with Picsight"),
    ],
)
def test_wrong_usage_is_one_sentence(fresh, home, words, sentence):
    assert sentence in fresh("models", *words).sentence(2)


def test_photos_of_a_replaced_starter_must_be_read_again(picsight):
    with closing(sqlite3.connect(picsight.library / "library.db")) as db, db:
        db.execute("UPDATE spaces SET name = '0123456789abcdef'")  # that of the starter before the update
        db.execute("UPDATE derived SET kind = 'vectors 0123456789abcdef' WHERE kind LIKE 'vectors %'")
    assert "4 photos must be read again by the new model. Type: picsight" in picsight("search", "dog").err
    picsight("index")
    assert "again" not in picsight("search", "dog").err


def put_starter(monkeypatch, folder):
    """Updates the program: from now on, this model comes with it."""
    monkeypatch.setattr(locations, "starter_folder", lambda: folder)


@pytest.fixture
def next_starter(starter, tmp_path):
    """The folder of a starter with another space and another text tower, whose words mean something else."""
    tower = onnx.load(starter / "text.onnx")
    table = max(tower.graph.initializer, key=lambda each: len(each.raw_data))
    table.raw_data = table.raw_data[::-1]
    onnx.save(tower, tmp_path / "other.onnx")
    manifest = replace(open_bundle(starter).manifest, space_id=SPACE)
    files = {name: starter / name for name in manifest.files} | {"text.onnx": tmp_path / "other.onnx"}
    return write_bundle(tmp_path / "next", manifest, files).folder


def kept(home):
    return {path.name: path for path in (home / "picsight-models").glob(".*.kept")}


def test_after_an_update_the_starter_before_answers_until_the_next_has_read_every_photo(
    fresh, starter, next_starter, home, monkeypatch
):
    fresh.json("index", KNOWN)
    before = fresh.json("search", "cat", "--min", "all")
    ((name, folder),) = kept(home).items()
    assert name == f".{before['space']}.kept"
    assert {path.name for path in folder.iterdir()} == {"bundle.json", "text.onnx", "tokenizer.json"}
    assert not any(is_open_to_others(path) for path in (folder, *folder.iterdir()))
    put_starter(monkeypatch, next_starter)
    for _ in range(2):
        after = fresh("search", "cat", "--min", "all", "--json")
        assert after.document | {"milliseconds": 0} == before | {"milliseconds": 0}
        assert after.err.count("4 photos must be read again by the new model. Type: picsight") == 1
    assert fresh.json("doctor")["ok"]
    assert (states(fresh)[STARTER]["wanted"], states(fresh)[STARTER]["photos"]) == (True, 4)
    assert (
        "has no image tower" in fresh("search", f"like:{starter.parent / 'screenshots' / 'search.png'}").err
    )
    assert fresh.json("index")["indexed"] == 4
    after = fresh("search", "cat", "--min", "all", "--json")
    assert (after.document["space"], after.err) == (SPACE, "")
    assert after.document["results"] != before["results"]
    assert list(kept(home)) == [f".{SPACE}.kept"]


def test_a_starter_with_the_text_tower_of_the_one_before_answers_for_it_although_nothing_was_kept(
    fresh, starter, next_starter, copy_model, home, monkeypatch, tmp_path
):
    fresh.json("index", KNOWN)
    before = fresh.json("search", "cat", "--min", "all")
    (*kept(home).values(),)[0].joinpath("text.onnx").unlink()
    put_starter(monkeypatch, next_starter)
    assert fresh.json("search", "cat")["photos"] == 0
    put_starter(monkeypatch, copy_model(tmp_path / "same", space_id=SPACE))
    after = fresh("search", "cat", "--min", "all", "--json")
    assert after.document | {"milliseconds": 0} == before | {"milliseconds": 0}
    assert "4 photos must be read again" in after.err
    assert fresh.json("doctor")["ok"]


def test_the_text_tower_of_the_starter_is_noted_for_later_ones(starter):
    manifest = open_bundle(starter).manifest
    assert TEXT_TOWERS[manifest.space_id] == manifest.files[manifest.text.graph].sha256

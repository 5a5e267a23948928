"""`picsight models install` with a server on this computer: from the licence to the model in its place."""

from __future__ import annotations

import json
import shutil
import signal

import pytest

from picsight.cli.program import run
from picsight_engine.bundles.bundle import Licence, open_bundle
from picsight_engine.installation import catalogue
from picsight_engine.installation.catalogue import CatalogueEntry, LicenceTerms, RemoteFile


@pytest.fixture(autouse=True)
def own_signals():
    """`run` takes SIGINT and SIGTERM for itself."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def offered(server, starter, monkeypatch, tmp_path):
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
        terms=LicenceTerms(Licence("kind", "https://example.org/kind", accept=True), "Be kind."),
        dim=manifest.dim,
        space_id="0123456789abcdef",
        logit_scale=100.0,
        image=manifest.image,
        text=manifest.text,
        image_ms=10.0,
        files=tuple(files),
    )
    monkeypatch.setattr(catalogue, "CATALOGUE", (entry,))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return shelf


def picsight(*args, place):
    return run(["--library", str(place / "library"), *args])


def test_a_model_is_installed_and_a_second_time_costs_nothing(offered, tmp_path, capsys) -> None:
    for asked in (3, 0):
        offered.requests.clear()
        assert picsight("models", "install", "better", "--accept-licence", "--json", place=tmp_path) == 0
        document = json.loads(capsys.readouterr().out)
        assert (document["name"], document["space"]) == ("better", "0123456789abcdef")
        assert len(offered.requests) == asked
    assert picsight("models", "use", "better", place=tmp_path) == 0
    assert "Better is in use." in capsys.readouterr().out


def test_a_broken_line_is_a_sentence_and_the_next_call_goes_on(offered, tmp_path, capsys) -> None:
    whole = offered.files.pop("/r/resolve/v1/text.onnx")
    assert picsight("models", "install", "better", "--accept-licence", place=tmp_path) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert "404" in told.err
    offered.files["/r/resolve/v1/text.onnx"] = whole
    offered.requests.clear()
    assert picsight("models", "install", "better", "--accept-licence", "--quiet", place=tmp_path) == 0
    assert [path for path, _ in offered.requests] == ["/r/resolve/v1/text.onnx"]
    assert capsys.readouterr() == ("", "")


@pytest.fixture
def fetched(offered, starter, tmp_path):
    """The published files in a folder, and a server that must not be asked."""
    (tmp_path / "fetched").mkdir()
    for name in ("image.onnx", "text.onnx", "tokenizer.json"):
        shutil.copyfile(starter / name, tmp_path / "fetched" / name)
    offered.files.clear()
    return tmp_path / "fetched"


def test_published_files_are_installed_under_the_name_that_they_belong_to(
    fetched, offered, tmp_path, capsys
) -> None:
    words = ("models", "install", "better", "--from-file", str(fetched), "--json")
    assert picsight(*words, place=tmp_path) == 2
    assert "--accept-licence" in capsys.readouterr().err
    assert picsight(*words, "--accept-licence", place=tmp_path) == 0
    assert json.loads(capsys.readouterr().out)["space"] == "0123456789abcdef"
    assert offered.requests == []


def test_without_a_name_a_person_is_told_to_give_it(fetched, tmp_path, capsys) -> None:
    assert picsight("models", "install", "--from-file", str(fetched), place=tmp_path) == 2
    assert "name it, as in: picsight models install" in capsys.readouterr().err


def test_a_bundle_needs_no_name_and_bears_no_other(starter, offered, tmp_path, capsys) -> None:
    own = tmp_path / "own"
    shutil.copytree(starter, own)
    manifest = json.loads((own / "bundle.json").read_text())
    (own / "bundle.json").write_text(json.dumps({**manifest, "name": "mine"}))
    words = ("models", "install", "--from-file", str(own), "--accept-licence", "--quiet")
    assert picsight(*words, "better", place=tmp_path) == 2
    assert 'holds the model "mine", not "better"' in capsys.readouterr().err
    assert picsight(*words, "mine", place=tmp_path) == 0
    assert picsight(*words, place=tmp_path) == 0

"""`picsight models` from outside: side-loading, choosing, checking, removing, and no word to the internet but one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from picsight_engine.bundles.bundle import open_bundle, read_manifest

SPACE = "00112233445566aa"
STARTER = "picsight-starter"


@pytest.fixture(scope="session")
def second(starter, tmp_path_factory):
    """The folder of a second model: the starter under another name and space, with a licence to accept."""
    folder = tmp_path_factory.mktemp("second") / "second"
    shutil.copytree(starter, folder)
    data = json.loads((folder / "bundle.json").read_text())
    data |= {"name": "second", "title": "The Second", "space_id": SPACE}
    data["licence"]["accept"] = True
    (folder / "bundle.json").write_text(json.dumps(data))
    open_bundle(folder, hashes=True)
    return folder


@pytest.fixture
def program(fresh, tmp_path):
    """The program with a home of its own: no models but the shipped one."""
    (tmp_path / "home").mkdir()
    return fresh.given(HOME=str(tmp_path / "home"))


def states(program):
    return {model["name"]: model for model in program.json("models", "list")["models"]}


def test_the_list_shows_what_there_is_without_a_library(program) -> None:
    models = states(program)
    assert next(iter(models)) == STARTER
    assert [name for name, model in models.items() if model["answers"]] == [STARTER]
    assert {model["state"] for name, model in models.items() if name != STARTER} == {"available"}
    assert not program.library.exists()


def test_a_licence_is_shown_before_anything_is_fetched(program, guard, second) -> None:
    for what in (["mobileclip-s0"], ["--from-file", second]):
        done = program("models", "install", *what)
        assert done.code == 2
        assert done.err.count("\n") == 1
        assert "--accept-licence" in done.err
    assert not (guard / "refused").exists()
    assert "second" not in states(program)


def test_installing_is_all_that_asks_for_the_internet(program, guard) -> None:
    """Refused here by the guard: the sentence, the exit code, and that nothing is half there."""
    done = program("models", "install", "mobileclip-s0", "--accept-licence")
    (guard / "refused").unlink()
    assert (done.code, done.out) == (1, "")
    assert "tokenizer.json could not be downloaded from huggingface.co" in done.err
    assert states(program)["mobileclip-s0"]["state"] == "available"


def test_a_model_s_way_from_a_file_to_answers_and_back(program, second, few_photos, tmp_path) -> None:
    program.json("index", few_photos)
    packed = shutil.make_archive(str(tmp_path / "second"), "gztar", second.parent, "second")
    installed = program.json("models", "install", "--from-file", packed, "--accept-licence")
    assert (installed["name"], installed["space"]) == ("second", SPACE)
    assert read_manifest(second / "bundle.json").name == "second"
    assert states(program)["second"]["photos"] == 5
    assert program.json("models", "use", "second") == {
        "name": "second",
        "space": SPACE,
        "answers": STARTER,
        "photos": 5,
    }
    before = program.json("search", "dog")
    assert before["space"] != SPACE
    assert before["photos"] == 5
    assert program.json("index")["indexed"] == 5
    assert program.json("search", "dog")["space"] == program.json("status")["space"] == SPACE
    assert program.json("doctor")["ok"]
    refused = program("models", "remove", "second")
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert f"used by the library in {program.library}" in refused.err
    assert program.json("models", "use", STARTER)["photos"] == 0
    assert program.json("search", "dog")["results"] == before["results"]
    verdicts = program.json("models", "verify")
    assert [model["name"] for model in verdicts["models"]] == [STARTER, "second"]
    assert all(model["ok"] and "looks trained: yes" in model["message"] for model in verdicts["models"])
    assert program.json("models", "remove", "second") == {"removed": "second"}
    assert program("models", "use", "second").code == 2


def test_a_damaged_model_is_found_and_named(program, second, few_photos) -> None:
    folder = program.json("models", "install", "--from-file", second, "--accept-licence")["folder"]
    program.json("models", "use", "second")
    graph = Path(folder, "text.onnx")
    graph.write_bytes(graph.read_bytes()[:1000])
    done = program("models", "verify", "second", "--json")
    assert done.code == 3
    assert str(graph) in done.document["models"][0]["message"]
    assert program("search", "dog").code == 3
    assert program("doctor").code == 3
    assert states(program)["second"]["state"] == "damaged"
    program.json("models", "install", "--from-file", second, "--accept-licence")
    assert program.json("models", "verify", "second")["ok"]


def test_a_model_that_was_deleted_by_hand_is_named_and_another_one_takes_over(
    program, second, few_photos
) -> None:
    program.json("index", few_photos)
    folder = program.json("models", "install", "--from-file", second, "--accept-licence")["folder"]
    program.json("models", "use", "second")
    shutil.rmtree(folder)
    assert program.json("search", "dog")["photos"] == 5  # the one of before still answers
    done = program("index")
    assert (done.code, done.err.count("\n")) == (3, 1)
    assert f"picsight models use {STARTER}" in done.err
    assert states(program)["second"]["state"] == "damaged"
    assert program("models", "list").out.count("second: damaged") == 1
    assert program("doctor").code == 3
    assert program.json("models", "use", STARTER)["photos"] == 0
    assert program.json("index")["unchanged"] == 5


def test_what_a_stranger_wrote_into_a_model_cannot_colour_the_screen(program, second, tmp_path) -> None:
    odd = tmp_path / "odd"
    shutil.copytree(second, odd)
    data = json.loads((odd / "bundle.json").read_text())
    data |= {"name": "odd", "title": "\x1b[31mOdd\nOne"}
    data["licence"] = {"id": "\x1b[2J", "url": "", "accept": True}
    (odd / "bundle.json").write_text(json.dumps(data))
    for args in (
        ["install", "--from-file", odd],
        ["install", "--from-file", odd, "--accept-licence"],
        ["list"],
        ["use", "odd"],
    ):
        done = program("models", *args)
        assert "\x1b" not in done.out + done.err
    assert done.code == 0


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ([], "Missing command"),
        (["install"], "--from-file"),
        (["install", "nothing", "--accept-licence"], "mobileclip-s2"),
        (["install", "mobileclip-s2", "--from-file", ".", "--accept-licence"], "onnx/vision_model.onnx"),
        (["install", "--from-file", "/never/there"], "/never/there"),
        (["use", "nothing"], "not installed"),
        (["verify", "nothing"], "not installed"),
        (["remove", "nothing"], "not installed"),
        (["remove", STARTER], "comes with Picsight"),
        (["use", "../starter"], "not installed"),
    ],
)
def test_wrong_usage_of_models(program, args, sentence) -> None:
    done = program("models", *args)
    assert (done.code, done.out) == (2, "")
    assert sentence in done.err
    assert done.err.count("\n") == 1


@pytest.fixture
def answered(program):
    """Runs a command at a terminal, answers its question, and gives its exit code and what it showed."""
    import pty

    def run(*words, question, typed):
        ours, theirs = pty.openpty()
        environment = {**program.environment, "TERM": "xterm"}
        child = subprocess.Popen(
            program.command(*words), stdin=theirs, stdout=subprocess.DEVNULL, stderr=theirs, env=environment
        )
        os.close(theirs)
        shown = b""
        while question not in shown:
            shown += os.read(ours, 4096)
        os.write(ours, typed)
        code = child.wait(60)
        os.close(ours)
        return code, shown.decode()

    return run


@pytest.mark.skipif(sys.platform == "win32", reason="pty is for POSIX")
def test_at_a_terminal_a_licence_and_a_removal_are_asked_about(program, second, answered) -> None:
    install = ("models", "install", "--from-file", second)
    for typed, code in ((b"\n", 1), (b"yes\n", 0)):
        ended, shown = answered(*install, question=b'Type "yes"', typed=typed)
        assert ended == code
        assert "The Second has this licence" in shown
        assert ("second" in states(program)) == (code == 0)
    program.json("models", "use", "second")
    for typed, code in ((b"no\n", 1), (b"yes\n", 0)):
        ended, shown = answered("models", "remove", "second", question=b'Type "yes"', typed=typed)
        assert ended == code
        assert f"The library in {program.library} uses it" in shown
        assert (program("models", "verify", "second").code == 0) == (code == 1)

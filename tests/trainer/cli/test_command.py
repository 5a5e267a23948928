"""The command line answers quickly, and mistakes are one sentence."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from tests.conftest import REPOSITORY

import mctrain
from mctrain.__main__ import main
from mctrain.cli.command import mctrain as command_line
from mctrain.cli.progress import bar


def test_without_a_terminal_long_steps_report_progress_once_a_minute(capsys):
    times = iter([0.0, 30.0, 61.0, 100.0, 400.0, 401.0])
    advance = bar("samples", 20, lambda: next(times))
    for _ in range(5):
        advance(2, "a.tar")
    assert capsys.readouterr().err == "samples: 4 of 20 a.tar\nsamples: 8 of 20 a.tar\n"


def test_help_imports_neither_torch_nor_what_serves_research():
    code = "import sys; sys.argv = ['mctrain', '--help']\nfrom mctrain.__main__ import main\ntry:\n main()\nexcept SystemExit:\n print('torch' in sys.modules or 'mctrain.research' in sys.modules)"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.rstrip().endswith("False")
    assert all(name in output for name in ("data", "teach", "eval", "export"))


def test_documented_commands_use_only_existing_options():
    pages = [(REPOSITORY / name).read_text("utf-8") for name in ("docs/training.md", "trainer/README.md")]
    blocks = re.findall(r"```sh\n(.*?)```", "".join(pages), re.DOTALL)
    lines = re.findall(r"(?m)^(?:torchrun .* -m )?mctrain (.*)$", "".join(blocks))
    assert len(lines) > 20
    for line in lines:
        words, command = shlex.split(line, comments=True), command_line
        while isinstance(command, click.Group):
            command = command.commands[words.pop(0)]
        command.make_parser(click.Context(command)).parse_args(words)


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["teach", "nonsense", "-o", "x", "--data", "."], 2, "There is no recipe"),
        (["teach", "starter", "-o", "x", "--data", "."], 1, "There is no file flickr8k-train-*.tar in ."),
        (["import", "w.pt", "--preset", "nonsense", "-o", "x"], 2, "There is no preset nonsense; known are"),
        (["export", "nowhere.pt", "-o", "x"], 1, "There is no checkpoint nowhere.pt"),
        (["eval", ".", "--data", "."], 1, "There is no file flickr8k-dev-*.tar in ."),
        (["data", "check"], 2, "Missing argument"),
        (
            ["reinforce", "--recipe", "everyday", "--data", ".", "-o", "x", "--views", "5"],
            2,
            "sets --views itself",
        ),
        (
            ["train", "teacher", "--photos", ".", "--dry-run"],
            2,
            "recipe of a fit; `mctrain teach` follows it",
        ),
        (["eval", ".", "--data", ".", "--report", "page.svg"], 2, "would be the plot's own name"),
        (["nonsense"], 2, "No such command"),
    ],
)
def test_a_mistake_is_one_sentence_and_an_exit_code(words, code, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["mctrain", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == code
    assert sentence in capsys.readouterr().err


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_a_starter_bundle_is_refused_when_the_sources_have_changed(tmp_path):
    """In a copy of the trainer under version control; as committed, it goes on until it misses the data."""
    shutil.copytree(
        Path(mctrain.__file__).parent, tmp_path / "mctrain", ignore=shutil.ignore_patterns("*.pyc")
    )
    git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@example.com"]
    for words in (["init", "-q"], ["add", "mctrain"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout
    code = "from mctrain.source_commit import commit_of_sources; print(commit_of_sources())"
    assert run_python(["-c", code], tmp_path).stdout == head
    command = ["-m", "mctrain", "teach", "starter", "-o", "x", "--data", ".", "--bundle", "y"]
    assert "There is no file flickr8k-train-*.tar in ." in run_python(command, tmp_path).stderr
    (tmp_path / "mctrain" / "__init__.py").write_text("\n")
    refused = run_python(command, tmp_path)
    assert refused.returncode == 1
    assert refused.stderr == (
        f"The bundle y would name the commit {head[:12]}, which does not make it, since files of the tree have changed; "
        "commit the changes or undo them first.\n"
    )


def run_python(words, home):
    env = {**os.environ, "PYTHONPATH": str(home)}
    return subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, check=False, env=env, cwd=home
    )


def test_training_does_not_begin_where_its_result_cannot_be_written(
    tiny_recipe_file, tiny_data, tmp_path, monkeypatch, capsys
):
    (tmp_path / "file").touch()
    paths = {"--output": tmp_path / "run", "--cache": tmp_path / "cache", "--bundle": tmp_path / "file" / "x"}
    words = [str(word) for pair in paths.items() for word in pair]
    monkeypatch.setattr(
        sys, "argv", ["mctrain", "teach", str(tiny_recipe_file), "--data", str(tiny_data), *words]
    )
    with pytest.raises(SystemExit) as ended:
        main()
    message = capsys.readouterr().err
    assert ended.value.code == 1
    assert message.startswith(str(tmp_path / "file"))
    assert "cannot be written (Not a directory" in message
    assert message.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_without_the_extra_it_says_what_to_install():
    """An interpreter without its packages stands for one with only the application's."""
    home = Path(mctrain.__file__).parent.parent
    command = [sys.executable, "-S", "-m", "mctrain", "--help"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(home)}
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "picsight[train]" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="the cache of Windows does not follow HOME")
def test_running_graphs_leaves_no_device_id_in_the_home_folder(tmp_path):
    code = "import mctrain.models.graph"
    home = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    home.pop("ORT_DISABLE_TELEMETRY", None)
    subprocess.run([sys.executable, "-c", code], check=True, env={**home, "HOME": str(tmp_path)})
    assert not [path for path in tmp_path.rglob("*") if "onnxruntime" in path.name]

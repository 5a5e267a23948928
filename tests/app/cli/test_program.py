"""The program ends with an exit code and at most one sentence."""

from __future__ import annotations

import io
import multiprocessing
import signal
import sys
import tomllib
from pathlib import Path

import pytest

from picsight import __version__
from picsight.__main__ import main
from picsight.cli.invocation import Invocation
from picsight.cli.program import run

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _signals():
    """`run` takes SIGINT and SIGTERM for itself."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def state(monkeypatch, tmp_path) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.mark.skipif(sys.platform != "linux", reason="a log lies elsewhere on other systems")
def test_an_unexpected_error_is_one_sentence_and_its_details_go_to_the_log_where_one_can_be_written(
    monkeypatch, tmp_path, capsys, state
):
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)  # writing to it raises what nobody expects
    words = ["--library", str(tmp_path / "none"), "problems", "--json"]
    assert run(words) == 1
    (log,) = state.rglob("picsight.log")
    sentence = "Picsight stopped because of a fault. Your photos are safe."
    assert capsys.readouterr().err == f"{sentence} The details are in {log}\n"
    assert "Traceback" in log.read_text()
    monkeypatch.setenv("XDG_STATE_HOME", str(log))  # a file where the folder should be
    assert run(words) == 1
    assert capsys.readouterr().err == f"{sentence}\n"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems know the home folder otherwise")
@pytest.mark.parametrize("words", [["search", "dog"], ["models", "list"]], ids=" ".join)
def test_a_user_without_a_home_folder_gets_one_sentence(monkeypatch, capsys, words):
    import pwd

    def unknown(_user: int) -> None:
        raise KeyError

    for name in ("HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert run(words) == 1
    said = capsys.readouterr().err
    assert said == "Your home folder is unknown; set HOME to the whole path of a folder.\n"


def test_a_worker_of_a_frozen_program_runs_no_command(monkeypatch, capsys):
    def become_a_worker() -> None:
        raise SystemExit(7)

    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "argv", ["picsight", "--multiprocessing-fork"])
    monkeypatch.setattr(multiprocessing, "freeze_support", become_a_worker)
    with pytest.raises(SystemExit, match="7"):
        main()
    assert capsys.readouterr() == ("", "")


class Swallower(io.StringIO):
    """Turns Ctrl-C into a failure of its own, as the start of onnxruntime does."""

    def write(self, _text: str) -> int:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise ImportError("initialization failed") from None
        raise AssertionError("nobody listens to Ctrl-C")


def test_ctrl_c_is_no_fault_where_a_library_swallows_it(monkeypatch, tmp_path, capsys, state) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job of a shell's background ignores it
    monkeypatch.setattr(sys, "stdout", Swallower())
    assert run(["--library", str(tmp_path / "none"), "problems", "--json"]) == 130
    assert capsys.readouterr().err == "Stopped.\n"
    assert not list(state.rglob("picsight.log"))


@pytest.mark.parametrize(
    "words",
    [["index"], ["export", "sidecars"], ["tags", "import"], ["models", "install", "--from-file"]],
    ids=" ".join,
)
def test_a_path_that_the_system_refuses_is_a_sentence_and_no_fault(picsight, state, words):
    done = picsight(*words, REPOSITORY / "assets" / "known" / ("a" * 300))
    assert done.code in {1, 2}
    assert "a" * 300 in done.err
    assert "of a fault" not in done.err
    assert not list(state.rglob("picsight.log"))


@pytest.mark.skipif(sys.platform != "linux", reason="the full device of Linux")
def test_help_written_to_a_full_disk_names_the_reason(monkeypatch, capsys, state):
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert run(["--help"]) == 1
        with pytest.raises(OSError, match="No space"):
            full.close()
    assert capsys.readouterr().err.startswith("Picsight stopped: No space left on device.")


def test_a_hint_follows_a_whole_sentence(fresh):
    assert fresh("show", "a", "b").err == "Got unexpected extra argument (b). Type: picsight show --help\n"


def test_the_version_is_the_one_that_is_packaged(fresh):
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project.get("version", __version__) == __version__
    assert fresh("--version").out == f"Picsight {__version__}\n"


def test_only_the_first_twenty_hints_are_printed(capsys):
    Invocation().hint(*map(str, range(23)))
    assert capsys.readouterr().err.splitlines()[-2:] == ["19", "And 3 more; --json lists all of them."]

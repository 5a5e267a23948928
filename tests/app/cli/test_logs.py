"""The log file holds the details; stderr gets sentences, and only if asked for."""

from __future__ import annotations

import logging
import sys

import pytest

from picsight import locations
from picsight.cli.logs import follow_engine, log_details

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a log lies elsewhere on other systems")


@pytest.fixture
def engine(monkeypatch, tmp_path):
    """The engine's logger, left as it was."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    logger = logging.getLogger("picsight_engine")
    handlers, level = list(logger.handlers), logger.level
    yield logger
    logger.handlers, logger.level = handlers, level
    logger.manager._clear_cache()


@pytest.mark.parametrize("verbose", [False, True])
def test_details_go_to_the_log_and_with_verbose_a_sentence_to_stderr(engine, capsys, verbose) -> None:
    follow_engine(verbose=verbose)
    logging.getLogger("picsight_engine.indexing.dispatcher").info("a.jpg crashed.\nTraceback\n  details")
    written = locations.log_file().read_text()
    assert "a.jpg crashed.\nTraceback\n  details\n" in written
    assert capsys.readouterr().err == ("a.jpg crashed.\n" if verbose else "")


def test_the_log_starts_anew_once_it_has_grown(engine) -> None:
    log = log_details("x" * 1_100_000)
    assert log is not None
    log_details("one more")
    assert log.read_text() == "one more\n"

"""What loading the façade, and opening a library, must not load."""

from __future__ import annotations

import subprocess
import sys

import pytest

NEVER = ("torch", "PySide6", "click", "mctrain", "picsight")
ONLY_WHEN_USED = (
    "onnxruntime",
    "tokenizers",
    "lxml",
    "PIL",
    "filelock",
    "multiprocessing",
)


def loaded_after(program: str, *arguments: str) -> set[str]:
    program += "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_importing_the_facade_loads_no_model_and_no_window():
    assert loaded_after("import picsight_engine.library") & {*NEVER, *ONLY_WHEN_USED} == set()


@pytest.mark.parametrize(
    "room", ["bundles", "runtime", "photos", "store", "vectors", "indexing", "search", "tags", "installation"]
)
def test_importing_a_room_loads_neither_torch_nor_qt(room):
    assert loaded_after(f"import picsight_engine.{room}") & {*NEVER, "onnxruntime"} == set()


def test_opening_a_library_and_asking_for_its_photos_loads_no_model(indexed, starter):
    program = """
import sys
from pathlib import Path
from picsight_engine.library import Library
from picsight_engine.bundles.bundle import open_bundle
with Library.open(Path(sys.argv[1]), open_bundle(Path(sys.argv[2])), create=False) as library:
    assert len(library.all_photos().results) == 48
    assert library.thumbnail(1)
"""
    assert loaded_after(program, str(indexed), str(starter)) & {*NEVER, *ONLY_WHEN_USED} == set()


def test_a_search_by_words_loads_neither_torch_nor_qt_nor_pillow(indexed, starter):
    program = """
import sys
from pathlib import Path
from picsight_engine.library import Library
from picsight_engine.bundles.bundle import open_bundle
with Library.open(Path(sys.argv[1]), open_bundle(Path(sys.argv[2])), create=False) as library:
    assert library.search("dog").results
"""
    loaded = loaded_after(program, str(indexed), str(starter))
    assert {"onnxruntime", "tokenizers"} <= loaded
    assert loaded & {*NEVER, "PIL", "lxml", "rapidfuzz"} == set()

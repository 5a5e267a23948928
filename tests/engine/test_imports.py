"""What loading the façade, and opening a library, must not load."""

from __future__ import annotations

import subprocess
import sys

NEVER = ("torch", "PySide6", "click", "mctrain", "picsight")
ONLY_WHEN_USED = ("onnxruntime", "tokenizers", "lxml", "PIL", "filelock", "multiprocessing")
ROOMS = ("bundles", "runtime", "photos", "store", "vectors", "indexing", "search", "tags", "installation")
OPEN = """
import sys
from pathlib import Path
from picsight_engine.library import Library
from picsight_engine.bundles.bundle import open_bundle
with Library.open(Path(sys.argv[1]), open_bundle(Path(sys.argv[2])), create=False) as library:
"""


def loaded_after(program: str, *arguments: str) -> set[str]:
    """The packages that a process has loaded after a program."""
    program += "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    command = [sys.executable, "-c", program, *arguments]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_importing_the_facade_and_the_rooms_loads_no_model_and_no_window():
    assert loaded_after("import picsight_engine.library") & {*NEVER, *ONLY_WHEN_USED} == set()
    program = "\n".join(f"import picsight_engine.{room}" for room in ROOMS)
    assert loaded_after(program) & {*NEVER, "onnxruntime"} == set()


def test_opening_a_library_and_asking_for_its_photos_loads_no_model(indexed, starter):
    program = (
        f"{OPEN}    assert len(library.all_photos().results) == 48\n    assert library.photos.thumbnail(1)"
    )
    assert loaded_after(program, str(indexed), str(starter)) & {*NEVER, *ONLY_WHEN_USED} == set()


def test_a_search_by_words_loads_neither_torch_nor_qt_nor_pillow(indexed, starter):
    loaded = loaded_after(f"{OPEN}    assert library.search('dog').results", str(indexed), str(starter))
    assert {"onnxruntime", "tokenizers"} <= loaded
    assert loaded & {*NEVER, "PIL", "lxml", "rapidfuzz"} == set()

"""Damaged files of every format: each gives a picture or an ImageError, nothing else, and no decoder dies."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]  # where `tests` is found

# In another process, so that a crash of a decoder names the file and does not end the test run.
DECODE_MUTATED = """
    import random, sys, tempfile, warnings
    from pathlib import Path
    from picsight_engine.foundation.errors import ImageError
    from picsight_engine.photos.decoding.decode import Limits, decode
    from picsight_engine.photos.decoding.films import decode_film, read_film_facts
    from picsight_engine.photos.formats import is_film
    from picsight_engine.photos.identity import fingerprint
    from tests.mutation import mutate, sources

    warnings.simplefilter("error")
    seed, start, end = map(int, sys.argv[2:])
    by_suffix = sources(Path(sys.argv[1]))
    limits, folder = Limits(megapixels=20), tempfile.TemporaryDirectory()

    for number in range(start, end):
        chance = random.Random(f"{seed} {number}")
        path = chance.choice(by_suffix[chance.choice(sorted(by_suffix))])
        print(number, path.name, flush=True)
        data = mutate(path.read_bytes(), chance, cut=0.2)
        fingerprint(data)
        try:
            if is_film(path):
                path = Path(folder.name) / path.name
                path.write_bytes(data)
                read_film_facts(path)
                picture = decode_film(path, min_side=256, limits=limits)
            else:
                picture = decode(data, path, min_side=256, limits=limits)
        except ImageError as fault:
            assert str(path) in str(fault), fault
            continue
        assert picture.image.mode == "RGB"
        assert min(picture.width, picture.height) > 0
        print("shown", flush=True)
"""


def run(shared, seed, count):
    """How many files were shown, and the names of those that crashed a decoder."""
    shown, died, start = 0, [], 0
    while start < count:
        arguments = [shared, str(seed), str(start), str(count)]
        command = [sys.executable, "-c", textwrap.dedent(DECODE_MUTATED), *arguments]
        child = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=600, cwd=REPOSITORY
        )
        last = [line for line in child.stdout.splitlines() if line != "shown"][-1]
        assert child.returncode <= 0, f"{last}: {child.stderr[-2000:]}"
        shown += child.stdout.count("\nshown")
        if child.returncode == 0:
            break
        died.append(last)
        start = int(last.split()[0]) + 1
    return shown, died


def test_mutated_files_give_a_picture_or_one_sentence(shared):
    shown, died = run(shared, seed=1, count=200)
    assert died == []
    assert 20 < shown < 180


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 12))
def test_many_mutated_files_give_a_picture_or_one_sentence(shared, seed):
    """A type of metadata that is not text crashes pi-heif, which is why workers are processes."""
    shown, died = run(shared, seed, count=2000)
    assert len(died) <= 4, died
    assert shown > 200

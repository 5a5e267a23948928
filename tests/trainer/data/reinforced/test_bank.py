"""A bank is written whole or not at all, keeps the teachers' rows, and draws by epoch, step and seed alone."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass, replace

import numpy as np
import pytest

from mctrain.data.reinforced.bank import CHUNK, open_bank, write_bank
from mctrain.data.reinforced.manifest import TeacherRecord
from mctrain.errors import DataError
from mctrain.teachers.teacher import Ensemble

TEACHERS = (TeacherRecord("first", 12, 100.0, "ab" * 8), TeacherRecord("second", 6, 60.0, "cd" * 8))


@dataclass(frozen=True)
class HashTeacher:
    """A unit vector for each text, drawn from its digest."""

    name: str
    width: int
    scale: float
    digest: str
    spec = None

    def photos(self, pictures, keys):
        raise NotImplementedError

    def texts(self, texts):
        rows = [hashlib.shake_256(f"{self.name} {text}".encode()).digest(self.width) for text in texts]
        vectors = np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), -1).astype(np.float32) - 127.5
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


ENSEMBLE = Ensemble(
    [HashTeacher(record.name, record.width, record.scale, record.digest) for record in TEACHERS]
)


def silent(*_):
    pass


@pytest.fixture(scope="module")
def texts():
    """Sentences, some in another script, enough for five parts."""
    many = tuple(f"A photo of {number} things" for number in range(4 * CHUNK + 100))
    return {"mine.txt": ("ein Fuß im Gras", "犬", "naïve café"), "coco": many}


@pytest.fixture(scope="module")
def written(texts, tmp_path_factory):
    path = tmp_path_factory.mktemp("set") / "bank.npz"
    write_bank(path, texts, TEACHERS, ENSEMBLE.texts, silent)
    return path


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "bank.npz"
    write_bank(path, {"a": ("one", "two"), "b": ("three",)}, TEACHERS, ENSEMBLE.texts, silent)
    return path


def test_each_row_is_what_the_teachers_gave_for_its_text(written, texts):
    bank = open_bank(written, TEACHERS)
    everything = [text for part in texts.values() for text in part]
    rows = np.array([CHUNK, 0, len(bank) - 1, 1, CHUNK - 1, 2, 2])
    assert bank.texts(rows) == tuple(everything[row] for row in rows)
    assert bank.embeddings(rows).dtype == np.float32
    np.testing.assert_allclose(bank.embeddings(rows), ENSEMBLE.texts(bank.texts(rows)), atol=5e-4)


def test_a_killed_run_leaves_no_bank_and_the_next_one_embeds_only_the_rest(written, texts, tmp_path):
    path, embedded = tmp_path / "bank.npz", []

    def killed(part):
        embedded.append(part)
        if len(embedded) == 3:
            raise KeyboardInterrupt
        return ENSEMBLE.texts(part)

    with pytest.raises(KeyboardInterrupt):
        write_bank(path, texts, TEACHERS, killed, silent)
    with pytest.raises(DataError, match="There is no text bank"):
        open_bank(path, TEACHERS)
    embedded.clear()
    write_bank(path, texts, TEACHERS, lambda part: embedded.extend(part) or ENSEMBLE.texts(part), silent)
    assert embedded == [text for part in texts.values() for text in part][2 * CHUNK :]
    assert path.read_bytes() == written.read_bytes()
    assert {file.name for file in tmp_path.iterdir()} == {"bank.npz"}


FIRST = [f"text {i}" for i in range(CHUNK)]


@pytest.mark.parametrize(
    ("texts", "teachers"),
    [(FIRST[::-1], TEACHERS), (FIRST, (replace(TEACHERS[0], digest="ef" * 8), TEACHERS[1]))],
)
def test_parts_of_other_texts_or_teachers_are_not_resumed(texts, teachers, tmp_path):
    def stop_at_the_second_part(part):
        if part != FIRST:
            raise KeyboardInterrupt
        return ENSEMBLE.texts(part)

    path = tmp_path / "bank.npz"
    with pytest.raises(KeyboardInterrupt):
        write_bank(path, {"a": [*FIRST, "another"]}, TEACHERS, stop_at_the_second_part, silent)
    embedded = []
    write_bank(
        path, {"a": texts}, teachers, lambda part: embedded.extend(part) or ENSEMBLE.texts(part), silent
    )
    assert embedded == texts


def test_an_existing_bank_is_not_made_again(small):
    before = small.stat()

    def never(texts):
        raise AssertionError(texts)

    write_bank(small, {"a": ("one", "two"), "b": ("three",)}, TEACHERS, never, silent)
    assert small.stat() == before


@pytest.mark.parametrize(
    "strangers",
    [
        TEACHERS[::-1],
        (replace(TEACHERS[0], digest="0" * 16), TEACHERS[1]),
        (replace(TEACHERS[0], width=6), replace(TEACHERS[1], width=12)),
    ],
)
def test_a_bank_of_other_teachers_is_refused(small, strangers):
    with pytest.raises(DataError, match=r"has the teachers first .abababab, 12., second"):
        open_bank(small, strangers)


def test_vectors_of_another_length_are_not_stored(tmp_path):
    for embed in (lambda texts: ENSEMBLE.texts(texts) * 0.9, lambda texts: ENSEMBLE.texts(texts)[:, 1:]):
        with pytest.raises(DataError, match="What the teachers gave for texts of the bank h"):
            write_bank(tmp_path / "bank.npz", {"a": ("one",)}, TEACHERS, embed, silent)
    assert not (tmp_path / "bank.npz").exists()


def test_a_truncated_or_overwritten_bank_is_one_sentence(small):
    content = small.read_bytes()
    for end in range(0, len(content), 97):
        small.write_bytes(content[:end])
        with pytest.raises(DataError, match=r"The text bank .* cannot be read"):
            open_bank(small, TEACHERS)
    for start in range(0, len(content), 31):
        small.write_bytes(content[:start] + b"\xff" * 24 + content[start + 24 :])
        try:
            bank = open_bank(small, TEACHERS)
        except DataError:
            continue
        assert bank.embeddings(np.arange(3)).shape == (3, 18)


def test_a_bank_of_a_newer_format_is_refused(small):
    with zipfile.ZipFile(small) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["about.json"] = parts["about.json"].replace(b'"format": 1', b'"format": 2')
    with zipfile.ZipFile(small, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    with pytest.raises(DataError, match="has the format 2"):
        open_bank(small, TEACHERS)


def test_draws_follow_from_epoch_step_and_seed_alone(written):
    first, second = open_bank(written, TEACHERS), open_bank(written, TEACHERS)
    second.draw(0, 0, 0, 9)
    drawn = first.draw(3, 14, 1, 50)
    np.testing.assert_array_equal(drawn, second.draw(3, 14, 1, 50))
    for other in ((4, 14, 1), (3, 15, 1), (3, 14, 2), (14, 3, 1)):
        assert (drawn != first.draw(*other, 50)).any()


def test_sources_and_the_texts_of_each_are_drawn_evenly(tmp_path):
    path = tmp_path / "bank.npz"
    texts = {"a": [f"a {i}" for i in range(5)], "b": [f"b {i}" for i in range(200)], "c": ["c"]}
    write_bank(path, texts, TEACHERS, ENSEMBLE.texts, silent)
    bank = open_bank(path, TEACHERS)
    rows = np.concatenate([bank.draw(0, step, 0, 300) for step in range(100)])
    counts = np.bincount(rows, minlength=len(bank))
    expected = np.array([10_000 / 5] * 5 + [10_000 / 200] * 200 + [10_000])
    # no count is off by more than five standard deviations
    assert (np.abs(counts - expected) <= 5 * np.sqrt(expected)).all()

"""Torch's files are read as torch reads them, number by number, and no code that a file names is run."""

from __future__ import annotations

import io
import os

import numpy as np
import pytest
import torch

from mctrain.data.reinforced.embeddings import read_tensors

NUMBERS = torch.randn(6, 8, generator=torch.Generator().manual_seed(3))
FILES = {
    "bfloat16": {"image_emb": NUMBERS.bfloat16(), "text_emb": NUMBERS[:1].bfloat16()},
    "float32": {"image_emb": NUMBERS, "text_emb": -NUMBERS},
    "rows of one tensor": {"text_emb": NUMBERS[:1], "syn_text_emb": NUMBERS[1:]},
    "a turned tensor": {"image_emb": NUMBERS.T},
    "a parameter": {"image_emb": torch.nn.Parameter(NUMBERS, requires_grad=False)},
    "float64": {"image_emb": NUMBERS.double()},
}


def saved(content: object) -> bytes:
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


@pytest.mark.parametrize("case", FILES)
def test_the_numbers_are_those_that_torch_reads(case):
    file = saved(FILES[case])
    reference = torch.load(io.BytesIO(file), weights_only=True)
    found = read_tensors(file)
    assert list(found) == list(reference)
    for name, array in found.items():
        assert array.dtype == np.float32
        assert np.array_equal(array, reference[name].float().numpy())


class Trap:
    def __reduce__(self):
        return os.mkdir, ("trap",)


def test_no_code_that_a_file_names_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for content in ({"image_emb": Trap()}, Trap(), {"image_emb": NUMBERS, "more": Trap()}):
        with pytest.raises(Exception, match="Weights only load failed"):
            read_tensors(saved(content))
    assert list(tmp_path.iterdir()) == []


def test_damaged_numbers_are_not_read():
    """Torch does not compare checksums, so it must not be asked about a file that the archive's reader refuses."""
    file = bytearray(saved({"image_emb": NUMBERS}))
    file[file.index(b"archive/data/0") + len("archive/")] ^= 0x80
    file[file.index(NUMBERS.numpy().tobytes())] ^= 1
    with pytest.raises(UnicodeDecodeError):
        read_tensors(bytes(file))

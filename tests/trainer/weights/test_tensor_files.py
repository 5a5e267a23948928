"""Files of weights are read whatever wraps them, and nothing in them is run."""

from __future__ import annotations

import contextlib
import pickle
import resource
import zipfile

import pytest
import torch
from safetensors.torch import save_file
from tests.trainer.conftest import changed_tensors

from mctrain.errors import WeightsError
from mctrain.weights.tensor_files import read_saved, read_tensors, write_saved

WEIGHTS = {"visual.a": torch.arange(6.0).reshape(2, 3), "visual.count": torch.tensor(4)}


@pytest.mark.parametrize("name", ["weights.pt", "weights.bin", "weights.safetensors"])
def test_each_kind_of_file_is_read(tmp_path, name):
    save = save_file if name.endswith("safetensors") else torch.save
    save(WEIGHTS, tmp_path / name)
    assert not changed_tensors(WEIGHTS, read_tensors(tmp_path / name))


@pytest.mark.parametrize(
    ("wrapper", "prefix"), [("state_dict", "module."), ("model_state_dict", ""), ("model", "")]
)
def test_wrappers_and_common_prefixes_are_removed(tmp_path, wrapper, prefix):
    path = tmp_path / "weights.pt"
    torch.save({"epoch": 3, wrapper: {prefix + name: tensor for name, tensor in WEIGHTS.items()}}, path)
    assert not changed_tensors(WEIGHTS, read_tensors(path))


def test_halves_become_float32_and_masks_are_left_out(tmp_path):
    path = tmp_path / "weights.pt"
    torch.save(
        {"a": torch.ones(2).half(), "b": torch.ones(2).bfloat16(), "text.attn_mask": torch.zeros(2)}, path
    )
    found = read_tensors(path)
    assert {name: tensor.dtype for name, tensor in found.items()} == {"a": torch.float32, "b": torch.float32}


class Trap:
    """An object whose unpickling writes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_code_in_a_file_is_not_run(tmp_path):
    path, proof = tmp_path / "weights.pt", tmp_path / "proof"
    torch.save({"a": Trap(proof)}, path)
    with pytest.raises(WeightsError, match=r"damaged or holds more than weights, and nothing in it was run"):
        read_tensors(path)
    path.write_bytes(pickle.dumps({"a": Trap(proof)}))
    with pytest.raises(WeightsError):
        read_tensors(path)
    assert not proof.exists()


def test_whatever_a_damaged_pickle_raises_is_one_sentence(tmp_path):
    """Each byte is removed in turn, which raises six unrelated classes of errors."""
    whole, path = tmp_path / "whole.pt", tmp_path / "weights.pt"
    torch.save({"a": torch.zeros(2), "b": torch.ones(2, 2).half()}, whole)
    with zipfile.ZipFile(whole) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    pickled = next(name for name in parts if name.endswith("data.pkl"))
    for place in range(len(parts[pickled])):
        damaged = bytearray(parts[pickled])
        del damaged[place]
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in parts.items():
                archive.writestr(name, bytes(damaged) if name == pickled else content)
        with contextlib.suppress(WeightsError):  # what is read all the same was a name or a number
            read_tensors(path)


def test_a_missing_file_and_a_folder_are_one_sentence(tmp_path):
    with pytest.raises(WeightsError, match="There is no file"):
        read_tensors(tmp_path / "none.pt")
    with pytest.raises(WeightsError, match="is a folder; choose the file"):
        read_tensors(tmp_path)


def test_a_full_disk_is_one_sentence_and_what_was_there_stays(tmp_path):
    path = tmp_path / "saved.pt"
    write_saved(path, {"a": torch.zeros(3)})
    most, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for size in (10, 100_000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            with pytest.raises(WeightsError, match=r"saved\.pt cannot be written: "):
                write_saved(path, {"a": torch.zeros(100_000)})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    assert torch.equal(read_saved(path)["a"], torch.zeros(3))
    assert list(tmp_path.iterdir()) == [path]

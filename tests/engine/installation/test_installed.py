"""The installed models: all of them work, none takes the name of another, and no leftovers stay."""

from __future__ import annotations

import shutil
import sys

import numpy as np
import pytest
from onnx import TensorProto, helper
from tests.engine.miniature import DIM, SIZE, save_graph

from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.foundation.errors import BundleError, RequestError
from picsight_engine.installation.local_model import open_local_model


def load(bundle, models):
    with open_local_model(bundle.folder) as model:
        return list(model.install(models))[-1].bundle


def save_odd_image_graph(path, head, dim=DIM):
    """An image tower of the right outer shape; `head` gives its vectors from the mean colours [n, 3]."""
    save_graph(
        path,
        [helper.make_node("ReduceMean", ["pixels", "space"], ["mean"], keepdims=0), *head],
        [("pixels", TensorProto.FLOAT, ["n", 3, SIZE, SIZE])],
        [("embedding", TensorProto.FLOAT, ["n", dim])],
        {
            "space": np.array([2, 3], dtype=np.int64),
            "zeros": np.zeros((3, DIM), dtype=np.float32),
            "nothing": np.zeros(DIM, dtype=np.float32),
            "wide": np.ones((3, DIM + 1), dtype=np.float32),
            "all": np.array([1, -1], dtype=np.int64),
        },
    )


def times(matrix, target):
    return helper.make_node("MatMul", ["mean", matrix], [target])


ODD = {
    "no numbers": (
        r"gives no numbers \(NaN\)",
        [times("zeros", "a"), helper.make_node("Div", ["a", "nothing"], ["embedding"])],
    ),
    "one row for all": (
        "gives vectors of shape",
        [times("wide", "a"), helper.make_node("Reshape", ["a", "all"], ["embedding"])],
    ),
}


@pytest.mark.parametrize("kind", ODD)
def test_a_tower_that_loads_but_gives_no_vectors_is_not_installed(
    models, make_bundle, tmp_path, kind
) -> None:
    graph = tmp_path / "odd.onnx"
    save_odd_image_graph(graph, ODD[kind][1], dim="dim")
    with pytest.raises(
        BundleError, match=rf'"Tiny" was not installed. The model file image\.onnx {ODD[kind][0]}'
    ):
        load(make_bundle(files={"image.onnx": graph}), models)
    assert [path.name for path in models.folder.iterdir()] == [".install.lock"]


def test_names_that_differ_in_capitals_only_are_one(models, make_bundle) -> None:
    load(make_bundle(), models)
    with pytest.raises(BundleError, match="picsight models remove tiny"):
        load(make_bundle("other", name="Tiny"), models)
    assert [model.name for model in models.all()] == ["picsight-starter", "tiny"]


def test_a_folder_with_the_shipped_model_s_name_does_not_hide_it(models, make_bundle) -> None:
    load(make_bundle(), models)
    (models.folder / "tiny").rename(models.folder / "picsight-starter")
    assert [(model.name, model.shipped) for model in models.all()] == [("picsight-starter", True)]
    assert models.find("picsight-starter").folder == models.shipped


def test_leftovers_of_a_kill_are_removed_and_the_old_model_comes_back(models, make_bundle) -> None:
    load(make_bundle(), models)
    (models.folder / "tiny").rename(models.folder / ".tiny.replaced-77")
    for litter in (".tiny.staged-0a1b2c3d", ".other.removed-0a1b2c3d", ".gone.replaced-12"):
        shutil.copytree(models.folder / ".tiny.replaced-77", models.folder / litter)
    models.incoming("half").mkdir()
    assert models.find("tiny").manifest.title == "Tiny"
    assert {path.name for path in models.folder.iterdir()} == {
        ".install.lock",
        "tiny",
        "gone",
        ".half.incoming",
    }


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_removing_a_link_keeps_its_target(models, make_bundle, tmp_path) -> None:
    elsewhere = make_bundle("elsewhere")
    models.folder.mkdir()
    (models.folder / "tiny").symlink_to(elsewhere.folder, target_is_directory=True)
    models.remove("tiny")
    open_bundle(elsewhere.folder, hashes=True)
    with pytest.raises(RequestError):
        models.find("tiny")

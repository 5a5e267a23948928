"""Models in the layouts of Immich and Hugging Face give the vectors of the frameworks that exported them."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from tests.conftest import REPOSITORY

from picsight_engine.bundles.bundle import Licence
from picsight_engine.bundles.preprocess import preprocess, reduced_side
from picsight_engine.bundles.tokenizer import Tokenizer
from picsight_engine.foundation.errors import BundleError
from picsight_engine.installation.install import find_model
from picsight_engine.installation.install import install as install_entry
from picsight_engine.installation.installed import InstalledModels
from picsight_engine.installation.local_model import open_local_model
from picsight_engine.photos.decoding.decode import decode
from picsight_engine.photos.reading import Limits
from picsight_engine.runtime.backend import load_image_encoder
from picsight_engine.runtime.text_embedder import TextEmbedder

if TYPE_CHECKING:
    from tests.engine.installation.frameworks import Published

    from picsight_engine.bundles.bundle import Bundle

COMMIT = "c" * 40
AS_NOBODY = """
import os, sys
from pathlib import Path
from picsight_engine.foundation.errors import BundleError
from picsight_engine.installation.local_model import open_local_model
if os.geteuid() == 0:
    os.setuid(65534)  # root may read everything
try:
    with open_local_model(Path(sys.argv[1])):
        pass
except BundleError as fault:
    print(fault)
"""
ODD = ["", "Café & crème - 2", "It's   A “quoted”\tDOG!", "under_scored", "🐕 dog", "a dog " * 200, "Straße"]


@pytest.fixture(scope="module", params=["immich", "multilingual", "hugging_face"])
def published(request, tmp_path_factory) -> Published:
    from tests.engine.installation import frameworks

    words = (REPOSITORY / "LICENSE").read_text("utf-8").splitlines()
    folder = tmp_path_factory.mktemp("published") / f"Söme model__{request.param}"
    folder.mkdir()
    return getattr(frameworks, request.param)(folder, words)


def install(folder: Path, models: InstalledModels) -> Bundle:
    with open_local_model(folder) as model:
        *_, last = model.install(models)
    return last.bundle


def test_vectors_and_tokens_are_the_framework_s(published, captions, starter, tmp_path) -> None:
    models = InstalledModels(tmp_path / "models", starter)
    bundle = install(published.folder, models)
    assert bundle.folder.name == published.folder.name.replace(" ", "-").replace("ö", "o")
    assert models.verify(bundle.folder.name).manifest == bundle.manifest

    tower, spec = load_image_encoder(bundle), bundle.image_spec()
    for number, square in enumerate(list(captions)[:6]):
        photo = tmp_path / f"{number}.png"
        Image.open(square).crop((0, 0, 224, 148 + number)).save(
            photo
        )  # the crop's offset is a half now and then
        picture = decode(photo.read_bytes(), photo, min_side=reduced_side(spec), limits=Limits()).image
        found = tower.encode(preprocess(picture, spec)[None])[0]
        assert np.abs(found - published.image(Image.open(photo))).max() < published.rounding

    texts = [*(text for texts in captions.values() for text in texts), *ODD]
    assert (Tokenizer(bundle).encode(texts) == published.tokens(texts)).all()
    assert np.abs(TextEmbedder(bundle).embed_texts(texts[-20:]) - published.text(texts[-20:])).max() < 1e-4


def spoil(published: Published, folder: Path, file: str, **changes: object) -> Path:
    """A copy of a model with changes in a JSON file."""
    shutil.copytree(published.folder, folder)
    path = folder / file
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return folder


PREPROCESSING = "preprocessor_config.json"
MISFITS = [  # a file, what it states instead, and why it is refused
    (PREPROCESSING, {"do_rescale": False}, "not scaled to 0 to 1"),
    (PREPROCESSING, {"rescale_factor": 1 / 127.5}, "not scaled to 0 to 1"),
    (PREPROCESSING, {"image_mean": 0.5}, r"preprocessor_config\.json .*image\.mean is 0\.5"),
    (PREPROCESSING, {"resample": 0}, "known are bicubic, bilinear"),
    (PREPROCESSING, {"size": {"height": 112, "width": 32}}, "not square"),
    (PREPROCESSING, {"size": {"shortest_edge": 96}, "crop_size": 96}, "pictures of 96"),
    ("config.json", {"text_config": [1]}, r"or config\.json does not fit it \(a value is not of its kind\)"),
    ("config.json", {"text_config": {"vocab_size": 49_408}}, "knows 295 tokens, the text tower 49,408"),
]


@pytest.mark.parametrize("published", ["hugging_face"], indirect=True)
def test_a_model_that_does_not_fit_is_refused_with_its_reason(published, starter, tmp_path) -> None:
    models = InstalledModels(tmp_path / "models", starter)
    lacking = shutil.copytree(published.folder, tmp_path / "lacking")
    (lacking / "onnx" / "text_model.onnx").unlink()
    apart = shutil.copytree(published.folder, tmp_path / "apart")
    from tests.engine.installation.frameworks import write_other_text_tower

    write_other_text_tower(apart / "onnx/text_model.onnx")
    nameless = shutil.copytree(published.folder, tmp_path / "模型")
    changed = [
        (spoil(published, tmp_path / str(number), file, **changes), reason)
        for number, (file, changes, reason) in enumerate(MISFITS)
    ]
    for folder, reason in (
        *changed,
        (nameless, 'No model can be called "模型"; rename its folder'),
        (lacking, "text_model.onnx is missing"),
        (apart, "photos become 24 numbers, words 7"),
    ):
        with pytest.raises(BundleError, match=reason):
            install(folder, models)
    assert [model.name for model in models.all()] == ["picsight-starter"]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions work otherwise there")
def test_a_folder_without_permission_is_reported(reachable) -> None:
    model = reachable / "model"
    (model / "visual").mkdir(parents=True)
    (model / "visual").chmod(0o600)
    command = [sys.executable, "-c", AS_NOBODY, model]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.startswith(f"{model} cannot be read"), done.stderr


@pytest.mark.parametrize("published", ["immich"], indirect=True)
def test_weights_beside_a_graph_come_along_and_weights_elsewhere_do_not(published, starter, tmp_path) -> None:
    onnx = pytest.importorskip("onnx")
    models, folder = InstalledModels(tmp_path / "models", starter), tmp_path / "beside"
    shutil.copytree(published.folder, folder)
    graph = folder / "visual" / "model.onnx"
    onnx.save(onnx.load(graph), graph, save_as_external_data=True, location="weights.bin", size_threshold=0)
    (folder / "README.md").write_text("---\nlicense:\n- cc-by-nc-4.0\ntags:\n---\n")
    bundle = install(folder, models)
    assert bundle.manifest.licence == Licence("cc-by-nc-4.0", "", accept=True)
    assert (bundle.folder / "visual" / "weights.bin").is_file()
    graph.write_bytes(graph.read_bytes().replace(b"weights.bin", b"../secret.n"))
    shutil.move(folder / "visual" / "weights.bin", folder / "secret.n")
    with pytest.raises(BundleError, match=r"model\.onnx cannot be loaded"):
        install(folder, models)


@pytest.mark.parametrize("published", ["immich"], indirect=True)
def test_a_publisher_s_model_is_downloaded_by_its_name(published, server, models) -> None:
    served, address = server
    paths = {path.relative_to(published.folder).as_posix(): path for path in published.folder.rglob("*.*")}
    for name, path in paths.items():
        served.files[f"/someone/small/resolve/{COMMIT}/{name}"] = path.read_bytes()
    hashes = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in paths.items()}
    siblings = [
        {"rfilename": name, "size": path.stat().st_size, "lfs": {"sha256": hashes[name]}}
        for name, path in paths.items()
    ]
    siblings += [
        {"rfilename": "visual/../../stray.bin", "size": 3},
        {"rfilename": "visual/fp16/model.onnx", "size": 3},
    ]
    listing = {"sha": COMMIT, "siblings": siblings, "cardData": {"license": "cc-by-nc-4.0"}}
    served.files["/api/models/someone/small/revision/main?blobs=true"] = json.dumps(listing).encode()

    entry = find_model(f"{address}/someone/small")
    assert entry.licence == Licence("cc-by-nc-4.0", "", accept=True)
    *_, last = install_entry(entry, models)
    manifest = last.bundle.manifest
    assert manifest.space_id == install(published.folder, models).manifest.space_id
    assert {name: manifest.files[name].sha256 for name in paths} == hashes
    assert manifest.provenance["fetched"]["config.json"]["url"].endswith(f"{COMMIT}/config.json")

    served.files[f"/someone/odd/resolve/{COMMIT}/config.json"] = b"[1]"
    for name in paths.keys() - {"config.json"}:
        served.files[f"/someone/odd/resolve/{COMMIT}/{name}"] = paths[name].read_bytes()
    sizes = [
        {"rfilename": name, "size": 3 if name == "config.json" else paths[name].stat().st_size}
        for name in paths
    ]
    answer = json.dumps({"sha": COMMIT, "siblings": sizes}).encode()
    served.files["/api/models/someone/odd/revision/main?blobs=true"] = answer
    with pytest.raises(BundleError, match=r"model file odd.config\.json is no description"):
        list(install_entry(find_model(f"{address}/someone/odd"), models))
    assert [model.name for model in models.all()] == [
        "picsight-starter",
        published.folder.name.replace(" ", "-").replace("ö", "o"),
        "small",
    ]

    endless = [*siblings[:-2], {"rfilename": "visual/model.onnx", "size": 1e309}]
    for listed, reason in (
        ([], "holds no model that Picsight can run"),
        ([*siblings[1:2], {"rfilename": "visual/model.onnx", "size": 3}], "lacks textual"),
        (endless, "cannot be read"),
    ):
        answer = json.dumps({"sha": "1", "siblings": listed}).encode()
        served.files["/api/models/someone/other/revision/main?blobs=true"] = answer
        with pytest.raises(BundleError, match=reason):
            find_model(f"{address}/someone/other")


@pytest.mark.parametrize("published", ["hugging_face"], indirect=True)
def test_quantized_graphs_in_a_folder_one_level_deeper_are_read(published, starter, tmp_path) -> None:
    outer = tmp_path / "outer"
    folder = shutil.copytree(published.folder, outer / published.folder.name)
    for tower in ("vision_model", "text_model"):
        (folder / "onnx" / f"{tower}.onnx").rename(folder / "onnx" / f"{tower}_quantized.onnx")
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", outer)
    with pytest.raises(BundleError, match="unpack it"), open_local_model(Path(packed)):
        pass
    bundle = install(outer, InstalledModels(tmp_path / "models", starter))
    assert (bundle.folder / "onnx" / "text_model_quantized.onnx").is_file()
    shutil.rmtree(folder / "onnx")
    (folder / "model.onnx").write_bytes(b"both")
    with pytest.raises(BundleError, match=r"onnx/vision_model\.onnx and onnx/text_model\.onnx"):
        install(outer, InstalledModels(tmp_path / "models", starter))

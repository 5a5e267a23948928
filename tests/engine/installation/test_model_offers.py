"""The list of models: installed and available ones, and what each would mean for this library."""

from __future__ import annotations

import shutil
from dataclasses import replace

from picsight_engine.bundles.bundle import write_bundle
from picsight_engine.installation.catalogue import CATALOGUE, find_entry
from picsight_engine.installation.installed import InstalledModels
from picsight_engine.installation.model_choice import use_model
from picsight_engine.installation.model_offers import model_offers


def offers(folder, models):
    return {offer.name: offer for offer in model_offers(folder, models)}


def test_without_a_library_every_model_is_offered_and_no_photo_is_to_be_read(tmp_path, starter) -> None:
    found = offers(tmp_path / "none", InstalledModels(tmp_path / "models", starter))
    assert list(found) == ["picsight-starter", *(entry.name for entry in CATALOGUE)]
    assert all(offer.photos == 0 for offer in found.values())
    shipped = found["picsight-starter"]
    assert (shipped.state, shipped.shipped, shipped.answers, shipped.wanted) == ("installed", *[True] * 3)
    assert shipped.licence is None
    assert found["mobileclip-s2"].licence == find_entry("mobileclip-s2").licence
    assert found["mobileclip-s2"].bytes > found["mobileclip-s0"].bytes > shipped.bytes
    assert not (tmp_path / "none").exists()
    assert found["mobileclip-s2"].files == (
        "https://huggingface.co/Xenova/mobileclip_s2/resolve/main/onnx/vision_model.onnx",
        "https://huggingface.co/Xenova/mobileclip_s2/resolve/main/onnx/text_model.onnx",
        "https://huggingface.co/Xenova/mobileclip_s2/resolve/main/tokenizer.json",
    )
    assert shipped.files == ()


def test_photos_and_time_are_those_of_this_library(tmp_path, starter, library) -> None:
    found = offers(library.folder, InstalledModels(tmp_path / "models", starter))
    photos = library.status().photos
    assert found["picsight-starter"].photos == 0
    assert found["picsight-starter"].seconds == 0
    assert found["mobileclip-b"].photos == found["siglip2-b16"].photos == photos
    assert found["siglip2-b16"].seconds > found["clip-b32"].seconds > 0
    assert found["mobileclip-b"].seconds > found["mobileclip-s0"].seconds > 0


def write_model(models, small, name):
    files = {file: small.folder / file for file in small.manifest.files}
    write_bundle(models.folder / name, replace(small.manifest, name=name, space_id="f" * 16), files)


def test_an_imported_model_and_a_broken_one_are_listed(tmp_path, starter, small) -> None:
    models = InstalledModels(tmp_path / "models", starter)
    for name in ("mine", "mobileclip-s0"):
        write_model(models, small, name)
    (models.folder / "mine" / "image.onnx").unlink()
    for name in ("mobileclip-s1", "mobileclip-s2"):
        models.incoming(name).mkdir()
    (models.incoming("mobileclip-s1") / "tokenizer.json.part").write_bytes(b"some")
    use_model(tmp_path / "library", "mobileclip-s0", models)
    found = offers(tmp_path / "library", models)
    assert found["mine"].state == "damaged"
    assert "image.onnx is missing" in str(found["mine"].fault)
    assert (found["mine"].seconds, found["mine"].space) == (None, None)
    assert found["mobileclip-s0"].state == "installed"
    assert found["mobileclip-s0"].space == "f" * 16
    assert found["mobileclip-s0"].files == ()  # what the catalogue has under this name is another model
    assert found["mobileclip-s1"].files
    assert found["mobileclip-s1"].state == "unfinished"
    assert found["mobileclip-s2"].state == "available"  # begun without a network: nothing has arrived
    assert [name for name, offer in found.items() if offer.wanted] == ["mobileclip-s0"]
    assert [name for name, offer in found.items() if offer.answers] == ["mobileclip-s0"]


def test_a_missing_model_that_a_library_uses_is_listed(tmp_path, starter, small) -> None:
    models = InstalledModels(tmp_path / "models", starter)
    for name in ("mine", "mobileclip-s0"):
        write_model(models, small, name)
        use_model(tmp_path / "library", name, models)
        shutil.rmtree(models.folder / name)
        gone = offers(tmp_path / "library", models)[name]
        assert (gone.state, gone.wanted, gone.answers) == ("damaged", True, False)
        assert "not on this computer any more" in str(gone.fault)
    assert "mine" not in offers(tmp_path / "library", models)

"""`packaging/dev.py bench models` and `variants`: what they say of a tiny model; no time is asserted."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
import torch

from mctrain.graphs.graph import Port
from mctrain.models.presets import find_preset
from mctrain.models.reparameterize import fold_everything
from mctrain.models.sizes import deployed_size

BENCHES = Path(__file__).resolve().parents[2] / "packaging" / "bench"
TINY = "laptop_xxs"


@pytest.fixture(scope="module")
def bench():
    """Imports a benchmark's module as its script does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHES))
        yield importlib.import_module


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("graphs")


@pytest.fixture(scope="module")
def rows(bench, cache):
    models = bench("models")
    return models.measure(models.subjects(cache, (TINY,), ()), rounds=1)


@pytest.mark.soak
def test_every_model_has_a_row_and_the_starter_only_int8_text(rows):
    assert list(rows) == ["starter", TINY]
    assert rows["starter"].text is None
    assert [len(row.image.seconds) for row in rows.values()] == [1, 1]  # the first round is thrown away


@pytest.mark.soak
def test_a_graph_holds_about_the_numbers_that_the_preset_counts(rows):
    image, text = deployed_size(find_preset(TINY))
    assert rows[TINY].image.parameters == pytest.approx(image, rel=0.02)
    assert rows[TINY].text.parameters == pytest.approx(text, rel=0.02)


@pytest.mark.soak
def test_int8_text_takes_half_of_the_float16_file(rows):
    assert rows[TINY].int8.size < 0.6 * rows[TINY].text.size


def test_speed_is_told_against_the_yardstick(bench):
    models = bench("models")
    slow, fast = (models.Tower(2_000_000, 4_000_000, [seconds, 9.0, 0.001]) for seconds in (0.3, 0.1))
    first, second = (models.Row("a", 256, tower, tower, tower) for tower in (slow, fast))
    assert models.cells(second, first)[2:6] == ["2.0", "4", "100.0 (1.0)", "3.00x"]
    assert models.cells(first, first)[9] == "1.00x"
    assert len(models.cells(first, first)) == len(models.HEADINGS)


def test_graphs_are_exported_once(bench, rows, cache):
    def build():
        raise AssertionError("exported again")

    bundle, quantised = bench("family").provide(cache / TINY, build)
    assert bundle.manifest.title == rows[TINY].title
    assert quantised.manifest.image is None


@pytest.mark.soak
def test_folding_leaves_fewer_nodes(bench, tmp_path):
    variants, family = bench("variants"), bench("family")
    tower = family.random_model(find_preset(TINY)).image
    entry = torch.zeros(2, 3, 128, 128), Port("pixels", family.FREE_BATCH)
    trained = variants.graph(tmp_path, "trained", lambda: tower, entry)
    folded = variants.graph(tmp_path, "folded", lambda: fold_everything(tower), entry)
    assert all(
        fewer < more for fewer, more in zip(variants.nodes(folded), variants.nodes(trained), strict=True)
    )

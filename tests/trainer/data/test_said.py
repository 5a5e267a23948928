"""A word is counted once a photo, in the singular; photos for evaluation and rare words are left out."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from tests.trainer.conftest import write_shard

from mctrain.cli.command import mctrain
from mctrain.data.apart import is_drawn
from mctrain.data.shards import samples
from picsight_engine.errors import PicsightError


def test_a_word_is_counted_once_a_photo(tmp_path, real_data):
    texts = [["Two dogs.", "A dog runs"], ["a dog", "a cat"], ["dogs"], ["a cat"]]
    members = []
    for number, own in enumerate(texts):
        record = json.dumps({"texts": own}).encode()
        members += [(f"{number}.jpg", b"photo"), (f"{number}.json", record)]
    shards = real_data / "photos-described-000000.tar.gz"
    drawn = [own for own in samples(shards) if is_drawn(own.key, own.words)][:3]
    for own in drawn:
        record = json.dumps({**own.words, "texts": ["a dog"]}).encode()
        members += [(f"{own.key}.jpg", b"photo"), (f"{own.key}.json", record)]
    write_shard(tmp_path / "some-000000.tar", members)
    table = tmp_path / "words.tsv"
    arguments = ["data", "words", str(tmp_path / "some-000000.tar"), "-o", str(table)]
    result = CliRunner().invoke(mctrain, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert table.read_text() == "*\t4\ndog\t3\na\t3\n"
    assert len(drawn) == 3


@pytest.mark.parametrize("members", [[], [("a.jpg", b"photo"), ("a.json", b"[1]")], [("a.json", b"{}")]])
def test_what_cannot_be_counted_leaves_the_table_as_it_is(tmp_path, members):
    table = tmp_path / "words.tsv"
    table.write_text("*\t9\n")
    shard = write_shard(tmp_path / "bad-000000.tar", members)
    with pytest.raises(PicsightError, match=r"check|JSON"):
        CliRunner().invoke(mctrain, ["data", "words", str(shard), "-o", str(table)], catch_exceptions=False)
    assert table.read_text() == "*\t9\n"

"""A word is counted once a photo, in the singular; photos for evaluation and rare words are left out."""

from __future__ import annotations

import json

from click.testing import CliRunner
from tests.trainer.conftest import write_shard

from mctrain.cli.command import mctrain
from mctrain.data.apart import is_drawn
from mctrain.data.shards import samples


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

"""The URL list and command for img2dataset, for a reinforced set that is published without photos.

The original files are needed, neither re-encoded nor resized, so that crops fit and the published hashes match.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mctrain.data.shards import members
from mctrain.errors import DataError
from mctrain.paths import write
from mctrain.research.joining.sample_files import parse_facts, uid_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mctrain.data.shard_names import NamedShard
    from mctrain.paths import AnyPath

URLS, PHOTOS = "urls", "photos"  # folders beside each other
_URL, _RECORD = "url.txt", "json"


@dataclass(frozen=True, slots=True)
class FetchPlan:
    """The command, the number of photos to fetch, and the number of samples without a URL or uid."""

    command: str
    photos: int
    left_out: int


def make_plan(
    shards: Sequence[NamedShard], folder: AnyPath, progress: Callable[[int, str], None]
) -> FetchPlan:
    """Writes a URL list per shard for img2dataset, and composes its command.

    Raises:
        DataError: a shard is missing or damaged, or no sample names a URL.
    """
    photos = left_out = 0
    hashed = True
    for shard in shards:
        lines = []
        for key, url, record in _samples(shard.path):
            facts = parse_facts(record)
            uid = uid_of(facts, key)
            if uid is None or not url:
                left_out += 1
                continue
            digest = str(facts.get("sha256") or "").lower()
            hashed = hashed and bool(digest)
            lines.append(json.dumps({"uid": uid.hex(), "url": url, "sha256": digest}))
        name = shard.name.removesuffix(".tar").replace("/", "-")
        write(folder / URLS / f"{name}.jsonl", "".join(f"{line}\n" for line in lines).encode())
        photos += len(lines)
        progress(1, shard.name)
    if not photos:
        raise DataError(f"No sample of {shards[0].path} names a URL; there is nothing to fetch.")
    return FetchPlan(_command(folder, hashed=hashed), photos, left_out)


def _samples(shard: AnyPath) -> Iterator[tuple[str, str, bytes]]:
    """Key, URL and JSON of each sample with a URL or JSON."""
    found: dict[str, tuple[str, bytes]] = {}
    for key, suffix, content in members(shard, only=(_URL, _RECORD)):
        url, record = found.get(key, ("", b""))
        text = content.decode(errors="replace").strip()
        found[key] = (text, record) if suffix == _URL else (url, content)
    return ((key, url, record) for key, (url, record) in found.items())


def _command(folder: AnyPath, *, hashed: bool) -> str:
    """The command for the user; with hashes, img2dataset discards files that have changed."""
    words = {
        "url_list": str(folder / URLS),
        "input_format": "jsonl",
        "url_col": "url",
        "save_additional_columns": '["uid"]',
        "compute_hash": "sha256",
        **({"verify_hash": '["sha256","sha256"]'} if hashed else {}),
        "resize_mode": "no",
        "disable_all_reencoding": "True",
        "output_format": "webdataset",
        "output_folder": str(folder / PHOTOS),
        "number_sample_per_shard": "10000",
        "oom_shard_count": "8",
        "retries": "2",
    }
    return " ".join(["img2dataset", *(f"--{name} {shlex.quote(value)}" for name, value in words.items())])

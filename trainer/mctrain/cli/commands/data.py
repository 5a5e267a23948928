"""`mctrain data`: packs photos into shards, describes shards, and checks them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mctrain.cli.commands.join import join
from mctrain.cli.commands.reinforced import look, verify
from mctrain.cli.options import ANY_FILE, count_option, output_option
from mctrain.cli.progress import PRINTED, bar, print_some, printable, shards_counted
from mctrain.data.checks.check import ShardCheck, check_shards, find_evaluation_lookalikes, find_near_copies
from mctrain.data.checks.stats import SHARES, Stats, count_words, measure_shards
from mctrain.data.held_out import EVERYDAY
from mctrain.data.packing.pack import Packed, pack
from mctrain.data.packing.plan import PackingSettings
from mctrain.data.shard_names import resolve_shards

if TYPE_CHECKING:
    from collections import Counter

_LONGEST = 90  # characters of a licence or a source
_KINDS = {
    "human": "human captions",
    "synthetic": "synthetic captions",
    "query": "short searches",
    "class": "class names",
}


@click.group()
def data() -> None:
    """Packs and inspects training data."""


for _command in (join, look, verify):
    data.add_command(_command)


@data.command(name="pack")
@click.argument("source", type=click.Path(exists=True, path_type=Path), metavar="FOLDER_OR_FILE")
@output_option("Folder of the shards.")
@count_option("--side", 512, "Short side in pixels to which larger photos are scaled.", least=16)
@count_option("--per-shard", 1000, "Photos per shard.")
@click.option("--license", "licence", default="", help="Licence of photos whose captions name none.")
def pack_photos(source: Path, output: Path, side: int, per_shard: int, licence: str) -> None:
    """Packs photos into shards, from a folder, an img2dataset .parquet, or decisions exported by a Picsight library (.jsonl).

    Captions come from captions.csv, any .jsonl, a .txt beside a photo, and embedded or side-car XMP. The same command
    resumes a killed run.
    """
    from mctrain.research.parquet import read_tables

    packed = pack(source, output, PackingSettings(side, per_shard, licence), bar, read_tables)
    _print_packed(output, packed, described=source.suffix != ".jsonl")


@data.command()
@click.argument("shards", nargs=-1, required=True)
def check(shards: tuple[str, ...]) -> None:
    """Counts the photos and texts of SHARDS, and finds broken samples, duplicate keys, evaluation photos and near copies.

    SHARDS are .tar or .tar.gz; wildcards and ranges work: "shard-{000000..000012}.tar".
    """
    reports = check_shards(resolve_shards(shards))
    for report in reports:
        _print_checked(report)
    print_some("near copies of earlier photos", find_near_copies(reports))
    print_some("may be re-encoded evaluation photos: look at them", find_evaluation_lookalikes(reports))
    photos, faults = sum(each.photos for each in reports), sum(len(each.faults) for each in reports)
    click.echo(f"{shards_counted(len(reports))}, {photos} photos, {faults} faults")
    if faults:
        sys.exit(1)


@data.command()
@click.argument("shards", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of tables.")
def stats(shards: tuple[str, ...], *, as_json: bool) -> None:
    """Summarises SHARDS, named as for `check`: texts, words per text, sizes, licences and sources."""
    measured = measure_shards(resolve_shards(shards))
    if as_json:
        click.echo(json.dumps(measured.as_dict(), indent=2))
        return
    _print_stats(measured)


@data.command(name="words")
@click.argument("shards", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    required=True,
    type=ANY_FILE,
    help="Output table: one word and its photo count per line.",
)
def words_(shards: tuple[str, ...], *, output: Path) -> None:
    """Counts the photos of SHARDS whose captions contain each word; the application reads it as word frequencies."""
    click.echo(f"{output}: {count_words(resolve_shards(shards), output)} words")


def _print_checked(report: ShardCheck) -> None:
    texts = ", ".join(f"{report.texts[kind]} {name}" for kind, name in _KINDS.items() if report.texts[kind])
    click.echo(
        f"{report.shard}: {report.bytes} bytes, {report.photos} photos of {report.photo_bytes} bytes, "
        f"short side {report.least_side} to {report.largest_side} px, {texts or 'no texts'}"
    )
    if report.textless:
        click.echo(f"  without any text: {report.textless} photos")
    if report.evaluation:
        click.echo(f"  refused for training: {report.evaluation} evaluation photos")
    if report.held_out:
        click.echo(f"  passed over in training: {report.held_out} photos of {EVERYDAY}")
    print_some("faults", report.faults)


def _print_stats(stats: Stats) -> None:
    click.echo(f"{shards_counted(stats.shards)}, {stats.photos} photos, {stats.bytes / 1e6:.1f} MB")
    click.echo(
        f"\n{'texts':<20} {'texts':>8} {'photos':>8} {'a photo':>8}   words a text: least, median, 95 %, most"
    )
    lengths = stats.lengths()
    for kind, name in _KINDS.items():
        texts, photos = len(stats.words.get(kind, ())), stats.with_kind[kind]
        if texts:
            least, *_, middle, _, high, most = lengths[kind]
            click.echo(
                f"{name:<20} {texts:>8} {photos:>8} {texts / photos:>8.1f}   {least:g}, {middle:g}, {high:g}, {most:g}"
            )
    if stats.textless:
        click.echo(f"{'without any text':<20} {'':>8} {stats.textless:>8}")
    heads = ("least", *(f"{share:.0%}" for share in SHARES[1:-1]), "most")
    click.echo(f"\n{'sizes':<16} " + " ".join(f"{head:>8}" for head in heads))
    for name, values in stats.sizes().items():
        click.echo(f"{name:<16} " + " ".join(f"{value:>8g}" for value in values))
    _print_most("licences", stats.licences)
    _print_most("sources", stats.sources)
    if stats.faults:
        click.echo("\npassed over: " + ", ".join(f"{count} {kind}" for kind, count in stats.faults.items()))


def _print_most(title: str, counts: Counter[str]) -> None:
    """Prints the most frequent values with their photo counts."""
    click.echo(f"\n{title:<16} photos")
    for name, count in counts.most_common(PRINTED):
        click.echo(f"{count:>8}   {printable(name)[:_LONGEST] or 'unknown'}")
    if len(counts) > PRINTED:
        click.echo(
            f"{sum(counts.values()) - sum(n for _, n in counts.most_common(PRINTED)):>8}   {len(counts) - PRINTED} others"
        )


def _print_packed(folder: Path, packed: Packed, *, described: bool) -> None:
    """Prints what was packed; captions are left out for a library's export, which holds decisions."""
    photos, human, synthetic, unchanged, size = (
        sum(getattr(shard, name) for shard in packed.shards)
        for name in ("photos", "human", "synthetic", "unchanged", "bytes")
    )
    kept = f", {packed.kept} of them from before" if packed.kept else ""
    click.echo(
        f"{folder}: {photos} photos in {shards_counted(len(packed.shards))}{kept}, {size / 1e6:.1f} MB"
    )
    silent = photos - human - synthetic
    if described:
        click.echo(f"  captions: {human} by people, {synthetic} synthetic, {silent} none")
    if described and silent:
        click.echo(
            f"  {silent} photos without a caption teach nothing, unless they have a query: describe each in PHOTO.txt beside it, "
            "or in captions.csv."
        )
    click.echo(f"  picture: {unchanged} as it was, {photos - unchanged} re-encoded; no metadata")
    print_some("refused, evaluation photos", packed.refused)
    print_some("left out, copies", packed.copies)
    print_some("left out, faults", packed.faults)

"""`mctrain data verify` and `mctrain data look`: check a reinforced set, and show some of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
import numpy as np

from mctrain.cli.options import FILE, FOLDER, cache_option, count_option, sheet_option
from mctrain.cli.progress import bar, printable
from mctrain.data.reinforced.manifest import MANIFEST, ReinforcedManifest, load_manifest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mctrain.data.reinforced.sample import ReinforcedSample


@click.command()
@click.argument("folder", type=FOLDER)
@count_option("--count", 20, "Samples to read and embed again, spread over the shards.")
@click.option("--all", "whole", is_flag=True, help="Read every sample; --count of them are embedded again.")
@click.option(
    "--teacher",
    "titles",
    multiple=True,
    help="A teacher, named as for `eval`; repeat for each one of the manifest, in its order.",
)
@cache_option
def verify(folder: Path, count: int, cache: Path, titles: tuple[str, ...], *, whole: bool) -> None:
    """Compares the reinforced set in FOLDER with its manifest: files, samples, replayed views, and embeddings.

    Each difference is reported in one sentence, and the exit code is then 1.
    """
    manifest = load_manifest(folder / MANIFEST)
    from mctrain.research.verify import check_set, explain_change  # imports torch: 2 s

    found = check_set(folder, manifest, cache, count, bar("shards", len(manifest.shards)), whole=whole)
    findings = [*found.findings, *found.moved]
    for sentence in findings:
        click.echo(printable(sentence))
    if found.moved:
        click.echo(explain_change(manifest.versions))
    findings += _compare(manifest, titles, found.chosen, cache)
    outcome = f"findings: {len(findings)}" if findings else "nothing moved"
    click.echo(
        f"{folder}: {len(manifest.shards)} shards, {found.samples} samples, {found.read} of them read, "
        f"{found.replayed} views replayed; {outcome}"
    )
    if findings:
        sys.exit(1)


def _compare(
    manifest: ReinforcedManifest, titles: Sequence[str], samples: Sequence[ReinforcedSample], cache: Path
) -> list[str]:
    """Compares fresh embeddings with stored ones; prints and returns the findings."""
    if not titles:
        # the manifest stores a bundle's or a checkpoint's name, not its path
        names = " ".join(
            f"--teacher {'' if record.name.startswith('open_clip:') else 'FOLDER_OF_'}{record.name}"
            for record in manifest.teachers
        )
        click.echo(f"Embeddings were not compared; that needs the teachers: {names}")
        return []
    from mctrain.data.reinforced.embeddings import columns_of
    from mctrain.research.verify import demand_teachers, measure
    from mctrain.teachers.teacher import open_teacher

    teachers = [open_teacher(title, cache) for title in titles]
    findings = demand_teachers(manifest, teachers)
    for sentence in findings:
        click.echo(printable(sentence))
    if not samples:
        click.echo("Embeddings were not compared: none of the chosen samples is complete.")
        return findings
    progress = bar("embeddings", len(samples) * len(teachers))
    for recorded, columns, teacher in zip(
        manifest.teachers, columns_of(manifest.widths), teachers, strict=True
    ):
        both = measure(samples, columns, teacher, progress)
        near = ", ".join(
            f"{min(check.cosines):.4f} and {np.mean(check.cosines):.4f} of {len(check.cosines)} {what}"
            for check, what in zip(both, ("views", "texts"), strict=True)
        )
        click.echo(
            f"{recorded.name}: cosine with fresh embeddings, least and mean: {near}, of {len(samples)} photos; "
            f"{both[0].bound} is wanted"
        )
        moved = [finding for each in both if (finding := each.finding(recorded.name))]
        for sentence in moved:
            click.echo(printable(sentence))
        findings += moved
    return findings


@click.command()
@click.argument("shard", type=FILE)
@sheet_option
@click.option(
    "--count",
    default=12,
    show_default=True,
    type=click.IntRange(1, 100),
    help="Photos, spread over the shard.",
)
@click.option(
    "--manifest",
    type=FILE,
    help=f"Manifest that names the teachers of a reinforced shard; {MANIFEST} beside it unless given.",
)
def look(shard: Path, output: Path, count: int, manifest: Path | None) -> None:
    """Shows photos of SHARD on a page with their texts, and with views and similarities if it is reinforced."""
    from mctrain.atomic_files import open_atomic
    from mctrain.evaluation.sheet import page
    from mctrain.research.look import gather

    gathered = gather(shard, count, manifest or shard.parent / MANIFEST)
    with open_atomic(output) as file:
        file.write(page(shard.name, gathered.about(), gathered.photos))
    if not gathered.teachers:
        click.echo("No manifest was found (--manifest), so the sheet has no views and similarities.")
    if gathered.faults:
        click.echo(f"Passed over: {len(gathered.faults)} samples, first: {printable(gathered.faults[0])}")
    click.echo(f"{output}: {len(gathered.photos)} of {gathered.whole} photos")

"""What is told of a bundle that was written, and of what has to happen before it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mctrain.cli.printing import printable

if TYPE_CHECKING:
    from picsight_engine.models.bundle import Bundle


def tell_exported(bundle: Bundle) -> None:
    """Its space, size and drift; what it was made of, where it knows; and how Picsight gets it."""
    manifest = bundle.manifest
    size = sum(record.bytes for record in manifest.files.values())
    drift = manifest.drift
    kinds = [(name, drift[key]) for key, name in (("image", "photos"), ("text", "texts")) if key in drift]
    told = ", ".join(f"{own['mean']} for {name} ({own['stored']})" for name, own in kinds)
    click.echo(
        f"{bundle.folder}: space {manifest.space_id}, {size / 1e6:.1f} MB, cosine to the checkpoint {told}"
    )
    if begun := manifest.provenance.get("began_with"):
        click.echo(printable(f"made of {manifest.provenance['photos']} photos on top of {begun}"))
    click.echo(
        "Its space is its own: Picsight reads all photos again before it answers with this model. "
        f"picsight models install --from-file {bundle.folder}, then picsight models use {manifest.name}"
    )

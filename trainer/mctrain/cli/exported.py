"""What is told of a bundle that was written, and of what has to happen before it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mctrain.cli.printing import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from picsight_engine.models.bundle import Bundle


EXPORTING = "The graphs are written and compared with the checkpoint, which takes about a minute."


def learnt_from(provenance: Mapping[str, Any]) -> str:
    """How many photos a run learnt from, or how many texts where these taught it alone."""
    texts = provenance.get("texts")  # bundles of older versions do not say
    return f"{texts} texts" if texts else f"{provenance['photos']} photos"


def tell_exported(bundle: Bundle, *, keeps_space: bool = False) -> None:
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
        click.echo(printable(f"made of {learnt_from(manifest.provenance)} on top of {begun}"))
    space = (
        "Its space is that of the bundle whose image tower it has: photos that were read need not be read again. "
        if keeps_space
        else "Its space is its own: Picsight reads all photos again before it answers with this model. "
    )
    click.echo(
        f"{space}picsight models install --from-file {bundle.folder}, then picsight models use {manifest.name}"
    )

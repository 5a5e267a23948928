"""`mctrain presets`: the models that the trainer knows."""

from __future__ import annotations

import click


@click.command()
def presets() -> None:
    """Prints the presets: parameters of both towers in millions as they are deployed, embedding and photo size."""
    from mctrain.models.presets import PRESETS  # imports torch: 2 s
    from mctrain.models.sizes import deployed_size

    click.echo(f"{'preset':<16} {'title':<18} {'image M':>8} {'text M':>7} {'dim':>4} {'size':>4}")
    for preset in PRESETS.values():
        image, text = deployed_size(preset)
        click.echo(
            f"{preset.name:<16} {preset.title:<18} {image / 1e6:>8.1f} {text / 1e6:>7.1f} "
            f"{preset.dim:>4} {preset.size:>4}"
        )

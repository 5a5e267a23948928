"""The models of a computer, and one more on a server of this computer."""

from __future__ import annotations

import hashlib

import pytest

from picsight_engine.bundles.bundle import Licence
from picsight_engine.installation.catalogue import CatalogueEntry, RemoteFile
from picsight_engine.installation.installed import InstalledModels

COMMIT = "c" * 40


@pytest.fixture
def models(tmp_path, starter):
    return InstalledModels(tmp_path / "models", starter)


@pytest.fixture
def offer(server, tiny_files, make_bundle):
    """A tiny model on the server, and its entry in a catalogue; the branch leads to one commit."""
    served, address = server
    served.heads = {}
    described = make_bundle("described").manifest
    files = []
    for name, path in tiny_files.items():
        for revision in ("main", COMMIT):
            where = f"/tiny/resolve/{revision}/onnx/{name}"
            served.files[where] = data = path.read_bytes()
            served.heads[where] = {
                "X-Repo-Commit": COMMIT,
                "X-Linked-Etag": f'"{hashlib.sha256(data).hexdigest()}"',
            }
        files.append(RemoteFile(name, f"{address}/tiny", f"onnx/{name}", about=len(data) + 100))
    return CatalogueEntry(
        name="tiny",
        title="Tiny",
        words="Knows nothing.",
        licence=Licence("mine", "https://example.org", accept=True),
        terms="Be kind.",
        dim=described.dim,
        space_id="fedcba9876543210",
        logit_scale=100.0,
        image=described.image,
        text=described.text,
        image_ms=1.0,
        files=tuple(files),
    )

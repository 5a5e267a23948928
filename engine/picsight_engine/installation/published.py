"""Describes a model as others publish it: in Immich's layout, or in that of Hugging Face's ONNX exports.

Both are a graph a tower, a tokenizer and JSON files. What these state becomes the manifest of a bundle; the files stay as
they are.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from picsight_engine.bundles.bundle import (
    TEMPLATES,
    Crop,
    ImageSpec,
    Licence,
    Manifest,
    TextSpec,
    check_manifest,
    file_record,
    manifest_text,
    preprocessing_of,
)
from picsight_engine.foundation.errors import BundleError, faults_as
from picsight_engine.installation.layouts import (
    CARD,
    CONFIG,
    TOKENIZER_CONFIG,
    WRONG_VALUES,
    ModelLayout,
    licence_named,
    model_name,
    what_is_wrong,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import tokenizers

    from picsight_engine.runtime.onnx import GraphEnds

_UNREADABLE = "The model file {path} cannot be read ({fault}); get the model again."
_MOST_JSON = 100_000_000  # bytes; the largest vocabularies take 35 MB
_SCALE = 100.0  # CLIP's at the end of its training: graphs do not hold it, and only the self-test needs it
_CLIP_START = "<|startoftext|>"
_OUTPUTS = ("embedding", "image_embeds", "text_embeds", "pooler_output")
_RESAMPLINGS = {2: "bilinear", 3: "bicubic"}  # Pillow's numbers
_LONGEST = 77  # tokens, where nothing states how many
# A vocabulary of one language has 30,000 to 50,000 tokens, one of many 120,000 and more.
_MANY_LANGUAGES = 100_000
_LICENCE = re.compile(r"^license:[ \t]*(?:\r?\n\s*- *)?['\"]?(\w[\w.+-]{0,79})", re.MULTILINE)
_ROUNDING = 0.01  # of 1/255 as files state it


def describe(folder: Path, layout: ModelLayout) -> Manifest:
    """The manifest of the model in a folder. Loads both graphs and hashes every file, which takes seconds.

    Raises:
        BundleError: a file is missing or damaged, the files do not fit each other, or they ask for something unknown.
    """
    missing = [name for name in layout.needed if not (folder / name).is_file()]
    if missing:
        raise BundleError(
            "The model in {folder} is incomplete: {missing} is missing; get it again.",
            folder=folder,
            missing=", ".join(missing),
        )
    try:
        manifest = _Published(folder, layout).manifest()
        # Whatever the files state is checked as in every manifest.
        return check_manifest(json.loads(manifest_text(manifest)))
    except WRONG_VALUES as fault:
        raise BundleError(
            "The model in {folder} cannot be used: {preprocessing} or {config} does not fit it ({reason}); "
            "choose another one.",
            folder=folder,
            preprocessing=layout.preprocessing,
            config=CONFIG,
            reason=what_is_wrong(fault),
        ) from fault


class _Published:
    """The files of one model in a publisher's layout."""

    def __init__(self, folder: Path, layout: ModelLayout) -> None:
        from picsight_engine.runtime.onnx import graph_ends  # lazy: 230 ms

        self._folder, self._layout = folder, layout
        self._config = self._read(CONFIG)
        self._text_config = self._config.get("text_cfg") or self._config.get("text_config") or {}
        self._image, self._text = graph_ends(folder / layout.image), graph_ends(folder / layout.text)

    def manifest(self) -> Manifest:
        paths = (
            path.relative_to(self._folder).as_posix() for path in self._folder.rglob("*") if path.is_file()
        )
        files = {name: file_record(self._folder / name) for name in sorted(self._layout.chosen(paths))}
        image_output, dim = self._output(self._image, self._layout.image)
        text_output, width = self._output(self._text, self._layout.text)
        if dim != width:
            raise BundleError(
                "The towers in {folder} do not belong together: photos become {dim} numbers, words {width}; "
                "get both from one model.",
                folder=self._folder,
                dim=dim,
                width=width,
            )
        title = self._folder.resolve().name
        manifest = Manifest(
            name=model_name(title),
            title=title,
            licence=self._licence(),
            dim=dim,
            space_id="",
            logit_scale=_SCALE,
            image=self._image_spec(image_output),
            text=self._text_spec(text_output),
            provenance={"layout": self._layout.publisher},
            files=files,
        )
        tower = {
            name: record.sha256 for name, record in files.items() if not name.startswith(self._not_of_image)
        }
        digest = hashlib.sha256(json.dumps([tower, preprocessing_of(manifest)]).encode())
        return replace(manifest, space_id=digest.hexdigest()[:16])

    @property
    def _not_of_image(self) -> tuple[str, ...]:
        """The beginnings of the names of files that do not affect the vectors of photos."""
        text = self._layout.text
        beside = f"{PurePosixPath(text).parent}/"
        return (
            text if self._layout.image.startswith(beside) else beside,
            self._layout.tokenizer,
            CARD,
            "tok",
        )

    def _image_spec(self, output: str) -> ImageSpec:
        stated = self._read(self._layout.preprocessing)
        if len(self._image.inputs) != 1:
            raise ValueError(
                f"the graph takes {', '.join(self._image.inputs) or 'nothing'} instead of a picture"
            )
        ((name, shape),) = self._image.inputs.items()
        spec = _open_clip_picture(stated) if "interpolation" in stated else _hugging_face_picture(stated)
        spec = replace(spec, input=name, output=output, graph=self._layout.image)
        if shape[1:] != [3, spec.size, spec.size] and all(isinstance(side, int) for side in shape[1:]):
            raise ValueError(f"the graph takes {shape[1:]}, the preprocessing makes pictures of {spec.size}")
        return spec

    def _text_spec(self, output: str) -> TextSpec:
        tokenizer = self._tokenizer()
        name = next(name for name in self._text.inputs if name != "attention_mask")
        length = self._text.inputs[name][1]
        if not isinstance(length, int):
            length = min(
                self._text_config.get("context_length")
                or self._text_config.get("max_position_embeddings")
                or _LONGEST,
                _LONGEST,
            )
        ids = tokenizer.encode("a").ids
        pad_id = self._pad_id(tokenizer)
        ends = ids != tokenizer.encode("a", add_special_tokens=False).ids
        return TextSpec(
            context=length,
            dynamic=False,
            pad_id=pad_id,
            eot=ids[-1] if ends else pad_id,
            tokenizer=self._layout.tokenizer,
            clean=self._cleaning(tokenizer),
            templates=TEMPLATES,
            input=name,
            output=output,
            graph=self._layout.text,
            languages=("*",) if tokenizer.get_vocab_size() > _MANY_LANGUAGES else ("en",),
        )

    def _cleaning(self, tokenizer: tokenizers.Tokenizer) -> Any:
        """How open_clip cleans texts; a tokenizer file of Hugging Face does all of that itself."""
        if "text_cfg" not in self._config:
            return "none"
        if tokenizer.token_to_id(_CLIP_START) is not None:
            return "clip"
        return (self._text_config.get("tokenizer_kwargs") or {}).get("clean", "whitespace")

    def _tokenizer(self) -> tokenizers.Tokenizer:
        """The tokenizer, known to fit the text tower's vocabulary."""
        import tokenizers  # lazy: 20 ms

        path = self._folder / self._layout.tokenizer
        with faults_as(
            Exception, BundleError, _UNREADABLE, path=path
        ):  # the library's for any fault of the file
            tokenizer = tokenizers.Tokenizer.from_file(str(path))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        rows, tokens = self._text_config.get("vocab_size"), tokenizer.get_vocab_size()
        if rows and not 0.9 * rows <= tokens <= rows:
            raise BundleError(
                "The tokenizer {path} does not belong to this model: it knows {tokens:,} tokens, the text tower {rows:,}; "
                "get all files from one place.",
                path=path,
                tokens=tokens,
                rows=rows,
            )
        return tokenizer

    def _pad_id(self, tokenizer: tokenizers.Tokenizer) -> int:
        path = PurePosixPath(self._layout.tokenizer).with_name(TOKENIZER_CONFIG)
        stated = self._read(str(path)).get("pad_token") if (self._folder / path).is_file() else None
        token = stated.get("content") if isinstance(stated, dict) else stated
        found = (
            tokenizer.token_to_id(token) if isinstance(token, str) else self._text_config.get("pad_token_id")
        )
        return 0 if found is None else int(found)

    def _output(self, graph: GraphEnds, name: str) -> tuple[str, int]:
        """The output that is the embedding, and its length."""
        known = [output for output in _OUTPUTS if output in graph.outputs]
        if not known or (known[0] == "pooler_output" and "clip" in str(self._config.get("model_type", ""))):
            raise BundleError(
                "{path} does not give an embedding but {outputs}; export it with its projection.",
                path=self._folder / name,
                outputs=", ".join(graph.outputs),
            )
        width = graph.outputs[known[0]][-1]
        if not isinstance(width, int):
            width = self._config.get("projection_dim") or self._config["embed_dim"]
        return known[0], width

    def _licence(self) -> Licence:
        """What the model's card states."""
        card = self._folder / CARD
        text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else ""
        found = _LICENCE.search(text)
        return licence_named(found[1] if found else "")

    def _read(self, name: str) -> dict[str, Any]:
        path = self._folder / name
        with faults_as((OSError, ValueError, RecursionError), BundleError, _UNREADABLE, path=path):
            data = json.loads(path.read_bytes()) if path.stat().st_size <= _MOST_JSON else None
        if not isinstance(data, dict):
            raise BundleError(
                "The model file {path} is no description of a model; get the model again.", path=path
            )
        return data


def _open_clip_picture(stated: Mapping[str, Any]) -> ImageSpec:
    return _picture(
        stated["size"],
        resize=stated.get("resize_mode", "shortest"),
        crop="centre",
        interpolation=stated["interpolation"],
        mean=stated["mean"],
        std=stated["std"],
    )


def _hugging_face_picture(stated: Mapping[str, Any]) -> ImageSpec:
    size, crops = stated["size"], stated.get("do_center_crop", "crop_size" in stated)
    if isinstance(size, dict) and "shortest_edge" not in size:
        size = [size["height"], size["width"]]
    elif isinstance(size, dict):
        size = size["shortest_edge"]
    if crops:
        cut = stated.get("crop_size", size)
        if size != (cut["height"] if isinstance(cut, dict) else cut) and not isinstance(size, list):
            raise ValueError(f"pictures are resized to {size} and cropped to {cut}")
    if not stated.get("do_rescale", True) or abs(stated.get("rescale_factor", 1 / 255) * 255 - 1) > _ROUNDING:
        raise ValueError("values are not scaled to 0 to 1")
    normal = stated.get("do_normalize", True)
    return _picture(
        size,
        resize="shortest" if crops else "squash",
        crop="centre-down",
        interpolation=_RESAMPLINGS.get(stated.get("resample", 3)),
        mean=stated["image_mean"] if normal else None,
        std=stated["image_std"] if normal else None,
    )


def _picture(size: Any, *, resize: Any, crop: Crop, interpolation: Any, mean: Any, std: Any) -> ImageSpec:
    sides = set(size) if isinstance(size, list) else {size}
    if len(sides) != 1:
        raise ValueError(f"pictures of {size} are not square")
    return ImageSpec(
        size=sides.pop(),
        resize=resize,
        interpolation=interpolation,
        crop=crop if resize == "shortest" else None,
        mean=mean,
        std=std,
        input="",
        output="",
        dtype="float32",
    )

"""The models that Picsight can download: descriptions, licences and addresses of files.

Known sizes and hashes are listed here; otherwise those stated by the server are checked and recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from picsight_engine.bundles.bundle import IMAGE_GRAPH, TEMPLATES, TEXT_GRAPH, ImageSpec, Licence, TextSpec
from picsight_engine.errors import RequestError

LATEST = "main"  # a revision that is pinned by the first response of the repository
_READ_MS = 60.0  # reading, decoding and a thumbnail of a 12-megapixel photo on one core


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a bundle and its origin; `about` is its approximate size in bytes, for planning."""

    name: str
    repository: str
    path: str
    about: int
    revision: str = LATEST
    size: int | None = None
    sha256: str | None = None

    @property
    def limit(self) -> int:
        """The maximum size of the file in bytes."""
        return self.size if self.size is not None else self.about + self.about // 4 + 1_000_000

    def url(self, revision: str | None = None) -> str:
        """The file's address, at the commit `revision` unless the file is pinned to another one."""
        pinned = revision if revision and self.revision == LATEST else self.revision
        return f"{self.repository}/resolve/{pinned}/{self.path}"


@dataclass(frozen=True, slots=True)
class LicenceTerms:
    """A licence as shown to the user before the download."""

    licence: Licence
    text: str


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A model that can be installed. `image_ms` is the image tower's time for one photo on one core of a laptop, None if
    unknown.

    The files of a model without `image` and `text` are in a publisher's layout and describe it themselves. `coreml` are
    files for Macs only: the same image tower in Core ML.
    """

    name: str
    title: str
    words: str
    terms: LicenceTerms
    dim: int
    space_id: str | None
    logit_scale: float
    image: ImageSpec | None
    text: TextSpec | None
    image_ms: float | None
    files: tuple[RemoteFile, ...]
    coreml: tuple[RemoteFile, ...] = ()

    def files_for(self, *, coreml: bool) -> tuple[RemoteFile, ...]:
        """The files to download, small ones first, because they reveal the repository's commit."""
        chosen = self.files + (self.coreml if coreml else ())
        return tuple(sorted(chosen, key=lambda file: file.about))

    def bytes(self, *, coreml: bool = False) -> int:
        """The size of the download in bytes; exact if all sizes are known."""
        return sum(file.size or file.about for file in self.files_for(coreml=coreml))


# a model whose files describe it
self_described = partial(CatalogueEntry, dim=0, space_id=None, logit_scale=0.0, image=None, text=None)


def seconds_to_index(entry_ms: float, photos: int, workers: int) -> float:
    """The approximate time to index `photos` with an image tower of `entry_ms` milliseconds per photo."""
    return photos * (_READ_MS + entry_ms) / 1000 / max(workers, 1)


def find_entry(name: str) -> CatalogueEntry:
    """The model of this name.

    Raises:
        RequestError: there is none; the message lists the available ones.
    """
    known = {entry.name: entry for entry in CATALOGUE}
    if name in known:
        return known[name]
    names = ", ".join(known)
    raise RequestError(f'There is no model "{name}"; those that can be installed are {names}.')


HUB = "https://huggingface.co"
_TEXT_TOWER = 253_800_000  # 63.4 million numbers of four bytes, in all models except S0
_APPLE = LicenceTerms(
    Licence("apple-amlr", "https://github.com/apple/ml-mobileclip/blob/main/LICENSE_MODELS", accept=True),
    "MobileCLIP is made by Apple. Apple's terms for its research models allow research only: no commercial use and no "
    "use in a product. Apple can withdraw them, and whatever is made of the model falls under the same terms. "
    "The ready-made files are passed on by others, with an earlier licence text of Apple beside them that has no such "
    "restriction; which of the two binds you is for you to judge. Picsight itself ships none of these files.\n"
    "Read the terms before you accept: https://github.com/apple/ml-mobileclip/blob/main/LICENSE_MODELS",
)
_TEXT = TextSpec(
    context=77,
    dynamic=False,  # padding is not masked, as in training
    pad_id=0,
    eot=49407,
    tokenizer="tokenizer.json",
    clean="clip",
    templates=TEMPLATES,
    input="input_ids",
    output="text_embeds",
)


def _image(size: int) -> ImageSpec:
    """Apple's preprocessing: bilinear resize of the shortest side, centre crop, values 0 to 1 without normalisation."""
    return ImageSpec(
        size=size,
        resize="shortest",
        interpolation="bilinear",
        crop="centre",
        mean=None,
        std=None,
        input="pixel_values",
        output="image_embeds",
        dtype="float32",
    )


def _towers(
    variant: str,
    image: int,
    text: int = _TEXT_TOWER,
    *,
    revision: str = LATEST,
    hashes: tuple[str | None, ...] = (None, None, None),
    exact: bool = False,
) -> tuple[RemoteFile, ...]:
    """The graphs and the tokenizer of one repository; `exact` means that the given sizes in bytes are exact."""
    repository = f"{HUB}/Xenova/mobileclip_{variant}"
    published = (
        (IMAGE_GRAPH, "onnx/vision_model.onnx", image),
        (TEXT_GRAPH, "onnx/text_model.onnx", text),
        ("tokenizer.json", "tokenizer.json", 2_224_081),
    )
    return tuple(
        RemoteFile(name, repository, path, about, revision, about if exact else None, sha256)
        for (name, path, about), sha256 in zip(published, hashes, strict=True)
    )


def _mlpackage(
    variant: str, weights: int, hashes: tuple[str | None, ...] = (None, None, None)
) -> tuple[RemoteFile, ...]:
    """Apple's Core ML version of an image tower: three files in a folder."""
    published = (
        ("Manifest.json", 617),
        ("Data/com.apple.CoreML/model.mlmodel", 300_000),
        ("Data/com.apple.CoreML/weights/weight.bin", weights),
    )
    return tuple(
        RemoteFile(
            f"image.mlpackage/{path}",
            f"{HUB}/apple/coreml-mobileclip",
            f"mobileclip_{variant}_image.mlpackage/{path}",
            about,
            "3e0a7bfb9fe83da8a3efaa3fd8f7df24214bb947",
            sha256=sha256,
        )
        for (path, about), sha256 in zip(published, hashes, strict=True)
    )


def _immich(
    name: str,
    title: str,
    words: str,
    *,
    repository: str,
    licence: Licence,
    image_ms: float,
    sizes: tuple[int, int, int],
) -> CatalogueEntry:
    """A model that Immich publishes for everybody's use: its two graphs and its tokenizer, of about these `sizes`.

    Its recall on Crossmodal-3600 is the one for English in Immich's documentation (features/searching).
    """
    image, text, tokenizer = sizes
    files = {
        "visual/model.onnx": image,
        "visual/preprocess_cfg.json": 1_000,
        "textual/model.onnx": text,
        "textual/tokenizer.json": tokenizer,
        "textual/tokenizer_config.json": 10_000,
        "config.json": 1_000,
    }
    return self_described(
        name=name,
        title=title,
        words=f"{words} Licence: {licence.id}.",
        terms=LicenceTerms(licence, ""),
        image_ms=image_ms,
        files=tuple(
            RemoteFile(path, f"{HUB}/immich-app/{repository}", path, about) for path, about in files.items()
        ),
    )


_B32 = (351_400_000, 254_000_000, 2_224_000)  # image tower, text tower, tokenizer
# Model cards: huggingface.co/laion/CLIP-ViT-B-32-laion2B-s34B-b79K, github.com/openai/CLIP, huggingface.co/google/
# siglip2-base-patch16-224, huggingface.co/laion/CLIP-ViT-B-32-xlm-roberta-base-laion5B-s13B-b90k
_OPEN = (
    _immich(
        "clip-b32-laion",
        "OpenCLIP ViT-B/32 (LAION-2B)",
        "Knows many more things than the model that comes with Picsight. Recall on Crossmodal-3600: 68.8 %.",
        repository="ViT-B-32__laion2b-s34b-b79k",
        licence=Licence("MIT", "https://huggingface.co/laion/CLIP-ViT-B-32-laion2B-s34B-b79K", accept=False),
        image_ms=100.0,
        sizes=_B32,
    ),
    _immich(
        "siglip2-b16",
        "SigLIP 2 B/16",
        "Finds the most of the free ones, and knows many languages. Recall on Crossmodal-3600: 75.2 %.",
        repository="ViT-B-16-SigLIP2__webli",
        licence=Licence("Apache-2.0", "https://huggingface.co/google/siglip2-base-patch16-224", accept=False),
        image_ms=375.0,
        sizes=(372_000_000, 1_130_000_000, 34_400_000),
    ),
    _immich(
        "clip-b32-xlm",
        "OpenCLIP ViT-B/32 with XLM-RoBERTa",
        "Knows many languages and reads photos as quickly as CLIP ViT-B/32. Recall on Crossmodal-3600: 68.3 %.",
        repository="XLM-Roberta-Base-ViT-B-32__laion5b_s13b_b90k",
        licence=Licence(
            "MIT",
            "https://huggingface.co/laion/CLIP-ViT-B-32-xlm-roberta-base-laion5B-s13B-b90k",
            accept=False,
        ),
        image_ms=100.0,
        sizes=(351_400_000, 1_112_000_000, 17_100_000),
    ),
    _immich(
        "clip-b32",
        "CLIP ViT-B/32",
        "The first CLIP, by OpenAI, which Immich uses unless told otherwise. Recall on Crossmodal-3600: 59.4 %.",
        repository="ViT-B-32__openai",
        licence=Licence("MIT", "https://github.com/openai/CLIP", accept=False),
        image_ms=100.0,
        sizes=_B32,
    ),
)

_mobileclip = partial(CatalogueEntry, terms=_APPLE, dim=512, logit_scale=100.0, text=_TEXT)

CATALOGUE: tuple[CatalogueEntry, ...] = (
    *_OPEN,
    _mobileclip(
        name="mobileclip-s0",
        title="MobileCLIP S0",
        words="Knows many more things than the model that comes with Picsight. The quickest of Apple's. ImageNet, zero-shot: 67.8 %.",
        space_id="b0ed7f17aefd0af9",
        image=_image(256),
        image_ms=56.0,
        files=_towers(
            "s0",
            45_543_630,
            169_807_789,
            revision="757d59c9c6870a76a4b0306f05f5061bca15c39f",
            hashes=(
                "17d3c037b1d488c10c50e09f6009ea5a198caef4e0e8f4ea5617b7cb2d067ac0",
                "f6e9bd5742bfc515889e901634d8a2ff2a57fab8564e4ad3760e800b1a51b77c",
                "72ed5c96db5729294468543e4bc75fce14ca63f58e37300290189ba1c1e52b85",
            ),
            exact=True,
        ),
        coreml=_mlpackage("s0", 22_717_696),
    ),
    _mobileclip(
        name="mobileclip-s1",
        title="MobileCLIP S1",
        words="Finds more than S0 and needs about twice its time. ImageNet, zero-shot: 72.6 %.",
        space_id="df7540d05ded22cd",
        image=_image(256),
        image_ms=104.0,
        files=_towers(
            "s1",
            86_000_000,
            revision="48c0a9f89ff272544d1f2595483011a183fd1a52",
            hashes=("5dece7da38f907d440f91c86cca841919c5a1affd2329ca0e94f8593fd0bfbfb", None, None),
        ),
        coreml=_mlpackage(
            "s1",
            43_000_000,
            (
                "902dc75013a87c745008184e08cec9172b060cbc7940a16ca2274fc11f4b3021",
                "3b1cc781d6d0af08d95d338b083ae6fb97315cc5810037ceb34bc4b19ea41219",
                "0d817354a9b98b17f289d1f3e398c1f21d1f7e659ae04d18aa7f94e5a3283da2",
            ),
        ),
    ),
    _mobileclip(
        name="mobileclip-s2",
        title="MobileCLIP S2",
        words="A good middle: finds nearly as much as B in half its time. ImageNet, zero-shot: 74.4 %.",
        space_id="6a0a9675aab5aae8",
        image=_image(256),
        image_ms=171.0,
        files=_towers("s2", 143_100_000),
        coreml=_mlpackage(
            "s2",
            71_500_000,
            (
                "6a1a3f93b8dca6c237dbb5dc7b19bb3c987042d14860288304986c099d8796b6",
                "2aeb3359f6cde65e9f9248ec2a742e9939bd4bbf48c2f55fcd255b4504d96a1b",
                "6cbc7fb06b6072c1cae9c4496d67e0e6217adbf726dfeb82e44d4efe87c34c00",
            ),
        ),
    ),
    _mobileclip(
        name="mobileclip-b",
        title="MobileCLIP B",
        words="Finds more than S2; takes twice its time and the most room. ImageNet, zero-shot: 76.8 %.",
        space_id="aa6f2e2fc8994a4b",
        image=_image(224),
        image_ms=375.0,
        files=_towers("b", 345_700_000),
    ),
    _mobileclip(
        name="mobileclip-blt",
        title="MobileCLIP B (LT)",
        words="As B, trained three times as long: finds the most, at the same cost. ImageNet, zero-shot: 77.2 %.",
        space_id="afc9f52b5c71a461",
        image=_image(224),
        image_ms=375.0,
        files=_towers("blt", 345_700_000),
        coreml=_mlpackage(
            "blt",
            172_800_000,
            (
                "112a034d18e8c76b21e491a94ee8236e6989021c13dfe9ea8ecd3ac6dc2bdabe",
                "3acaec5c9eca2f27b7dc6d3bffb19cbb94d34e97cdd8aec70987e4ae7de09fae",
                "c12ec418eadf5d536f11e2e575b26c0d0bbc1270a7080d97f218a0a11595c289",
            ),
        ),
    ),
)

"""Publishers' names for our tensors: Apple's first code, open_clip and timm.

A layout maps only from our names to theirs. Reading looks up the published name of each tensor of a model, so missing and
unexpected tensors can be named.

* Apple's: MobileCLIP-S0, S1, S2, B and B (LT), with trained or folded branches.
* timm's: the image tower alone, as a FastViT or ViT model with the projection as classifier.
* open_clip's: timm's image tower under `visual.trunk`, and its own text transformer under `text`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

    from mctrain.models.presets import Publisher


COUNTER = "num_batches_tracked"  # of BatchNorm: not a weight, may be absent


@dataclass(frozen=True, slots=True)
class Layout:
    """A publisher's names for a model with an MCi or a ViT image tower.

    `probe`: a pattern at the start of one of its keys, by which the layout is recognised. `rules`: pairs of a pattern and
    its replacement, all applied in order. `with_text`: whether it also holds a text tower and the logit scale.
    """

    publisher: Publisher
    tower: Literal["mci", "vit"]
    probe: str
    rules: tuple[tuple[str, str], ...]
    with_text: bool = True

    def name(self, ours: str) -> str:
        """Their name of a tensor of ours."""
        for pattern, replacement in self.rules:
            ours = re.sub(pattern, replacement, ours)
        return ours

    def read(self, ours: str, theirs: Tensor) -> Tensor:
        """Their tensor in our layout; axes of length one may differ. Apple's image head is transposed."""
        turned = self.publisher == "apple" and ours == "image.head.weight"
        return theirs.transpose(0, -1).contiguous() if turned else theirs


_LAYERS = (
    (r"(\.transformer\.\d+)\.norm1\.", r"\1.pre_norm_mha.0."),
    (r"(\.transformer\.\d+)\.attention\.qkv\.", r"\1.pre_norm_mha.1.qkv_proj."),
    (r"(\.transformer\.\d+)\.attention\.proj\.", r"\1.pre_norm_mha.1.out_proj."),
    (r"(\.transformer\.\d+)\.norm2\.", r"\1.pre_norm_ffn.0."),
    (r"(\.transformer\.\d+)\.fc1\.", r"\1.pre_norm_ffn.1."),
    (r"(\.transformer\.\d+)\.fc2\.", r"\1.pre_norm_ffn.4."),
)
_TEXT = (
    (r"^text\.words\.", "text_encoder.embedding_layer."),
    (r"^text\.positions$", "text_encoder.positional_embedding.pos_embed.pos_embed"),
    (r"^text\.layers\.", "text_encoder.transformer."),
    (r"^text\.norm\.", "text_encoder.final_layer_norm."),
    (r"^text\.projection$", "text_encoder.projection_layer"),
)
# RepMixer blocks, the images' and Text-RepMixer's
_BLOCKS = (
    (r"\.mixer\.norm\.", ".token_mixer.norm.rbr_skip."),
    (r"\.mixer\.mix\.", ".token_mixer.mixer."),
    (r"\.mixer\.folded\.", ".token_mixer.reparam_conv."),
    (r"\.mixer\.layer_scale\.", ".token_mixer.layer_scale."),
    (r"\.layer_scale(_[12])?\.gamma$", r".layer_scale\1"),
    (r"\.ffn\.depthwise\.", ".convffn.conv."),
    (r"\.ffn\.", ".convffn."),
    (r"(\.patch_embed\.\d|\.proj\.1|\.token_mixer\.mixer|\.conv_exp)\.conv\.", r"\1.rbr_conv.0."),
    (r"(\.patch_embed\.\d|\.token_mixer\.mixer|\.conv_exp)\.scale\.", r"\1.rbr_scale."),
    (r"(\.patch_embed\.\d|\.proj\.1|\.token_mixer\.mixer)\.skip\.", r"\1.rbr_skip."),
    (r"\.folded\.", ".reparam_conv."),
)
# blocks, downsampling and positions share one index; downsampling starts the next stage
_MCI = (
    (r"^image\.stages\.0\.blocks\.", "image_encoder.model.network.0."),
    (r"^image\.stages\.1\.downsample\.", "image_encoder.model.network.1.proj."),
    (r"^image\.stages\.1\.blocks\.", "image_encoder.model.network.2."),
    (r"^image\.stages\.2\.downsample\.", "image_encoder.model.network.3.proj."),
    (r"^image\.stages\.2\.blocks\.", "image_encoder.model.network.4."),
    (r"^image\.stages\.3\.downsample\.", "image_encoder.model.network.5.proj."),
    (r"^image\.stages\.3\.positions\.conv\.", "image_encoder.model.network.6.pe."),
    (r"^image\.stages\.3\.positions\.folded\.", "image_encoder.model.network.6.reparam_conv."),
    (r"^image\.stages\.3\.blocks\.", "image_encoder.model.network.7."),
    (r"\.proj\.expand\.large\.", ".proj.0.lkb_origin."),
    (r"\.proj\.expand\.small\.", ".proj.0.small_conv."),
    (r"\.proj\.expand\.folded\.", ".proj.0.lkb_reparam."),
    (r"\.proj\.expand\.", ".proj.0."),
    (r"\.proj\.point\.", ".proj.1."),
    (r"(\.network\.7\.\d+)\.attention\.", r"\1.token_mixer."),
    (r"^image\.stem\.", "image_encoder.model.patch_embed."),
    (r"^image\.final\.se\.fc1\.", "image_encoder.model.conv_exp.se.reduce."),
    (r"^image\.final\.se\.fc2\.", "image_encoder.model.conv_exp.se.expand."),
    (r"^image\.final\.", "image_encoder.model.conv_exp."),
    (r"^image\.head\.weight$", "image_encoder.model.head.proj"),
)
_VIT = (
    (r"^image\.patches\.first\.", "image_encoder.model.patch_emb.0.block."),
    (r"^image\.patches\.second\.", "image_encoder.model.patch_emb.1.block."),
    (r"^image\.patches\.last\.", "image_encoder.model.patch_emb.2.block.conv."),
    (r"(\.patch_emb\.\d\.block)\.bn\.", r"\1.norm."),
    (r"^image\.class_token$", "image_encoder.model.cls_token"),
    (r"^image\.positions$", "image_encoder.model.pos_embed.pos_embed.pos_embed"),
    (r"^image\.layers\.", "image_encoder.model.transformer."),
    (r"^image\.norm\.", "image_encoder.model.post_transformer_norm."),
    (r"^image\.head\.weight$", "image_encoder.model.classifier.proj"),
)
_TIMM = (
    # MCi
    (r"^image\.stages\.(\d)\.downsample\.expand\.large\.", r"image.stages.\1.downsample.proj.0.large_conv."),
    (r"^image\.stages\.(\d)\.downsample\.expand\.small\.", r"image.stages.\1.downsample.proj.0.small_conv."),
    (r"\.downsample\.expand\.", ".downsample.proj.0."),
    (r"\.downsample\.point\.", ".downsample.proj.1."),
    (r"\.positions\.conv\.", ".pos_emb.pos_enc."),
    (r"\.positions\.folded\.", ".pos_emb.reparam_conv."),
    (r"\.mixer\.norm\.", ".token_mixer.norm.identity."),
    (r"\.mixer\.mix\.", ".token_mixer.mixer."),
    (r"\.mixer\.(layer_scale|folded)\.", r".token_mixer.\1."),
    (r"\.ffn\.depthwise\.", ".mlp.conv."),
    (r"\.ffn\.", ".mlp."),
    (r"(\.stages\.\d\.blocks\.\d+)\.attention\.", r"\1.token_mixer."),
    (r"^image\.final\.", "image.final_conv."),
    # the branches of MobileOne
    (r"(\.stem\.\d|\.proj\.1|\.token_mixer\.mixer|\.final_conv)\.conv\.", r"\1.conv_kxk.0."),
    (r"(\.stem\.\d|\.token_mixer\.mixer|\.final_conv)\.scale\.", r"\1.conv_scale."),
    (r"(\.stem\.\d|\.proj\.1|\.token_mixer\.mixer)\.skip\.", r"\1.identity."),
    (r"\.folded\.", ".reparam_conv."),
    # ViT
    (r"^image\.patches\.first\.", "image.patch_embed.backbone.0."),
    (r"^image\.patches\.second\.", "image.patch_embed.backbone.1."),
    (r"^image\.patches\.last\.", "image.patch_embed.backbone.2.conv."),
    (r"^image\.patches\.", "image.patch_embed.proj."),
    (r"^image\.class_token$", "image.cls_token"),
    (r"^image\.positions$", "image.pos_embed"),
    (r"^image\.norm_before\.", "image.norm_pre."),
    (r"^image\.layers\.(\d+)\.attention\.", r"image.blocks.\1.attn."),
    (r"^image\.layers\.(\d+)\.(fc[12])\.", r"image.blocks.\1.mlp.\2."),
    (r"^image\.layers\.", "image.blocks."),
)
# MCi's classifier has a name of its own; ViT's is the head itself
_MCI_HEAD = (r"^image\.head\.", "image.head.fc.")

_OPEN_CLIP = (
    (r"^image\.", "visual.trunk."),
    (r"^text\.words\.", "text.token_embedding."),
    (r"^text\.positions$", "text.positional_embedding"),
    (r"^text\.layers\.", "text.transformer.resblocks."),
    (r"^text\.norm\.", "text.ln_final."),
    (r"^text\.projection$", "text.text_projection"),
    (r"(\.resblocks\.\d+)\.norm([12])\.", r"\1.ln_\2."),
    (r"(\.resblocks\.\d+)\.attention\.qkv\.", r"\1.attn.in_proj_"),
    (r"(\.resblocks\.\d+)\.attention\.proj\.", r"\1.attn.out_proj."),
    (r"(\.resblocks\.\d+)\.fc1\.", r"\1.mlp.c_fc."),
    (r"(\.resblocks\.\d+)\.fc2\.", r"\1.mlp.c_proj."),
)

LAYOUTS = (
    Layout("apple", "mci", r"image_encoder\.model\.patch_embed\.0\.", (*_TEXT, *_MCI, *_BLOCKS, *_LAYERS)),
    Layout("apple", "vit", r"image_encoder\.model\.patch_emb\.0\.", (*_TEXT, *_VIT, *_LAYERS)),
    Layout("open_clip", "mci", r"visual\.trunk\.stem\.0\.", (*_TIMM, _MCI_HEAD, *_OPEN_CLIP)),
    Layout("open_clip", "vit", r"visual\.trunk\.patch_embed\.", (*_TIMM, *_OPEN_CLIP)),
    Layout("timm", "mci", r"stem\.0\.", (*_TIMM, _MCI_HEAD, (r"^image\.", "")), with_text=False),
    Layout("timm", "vit", r"patch_embed\.(backbone|proj)\.", (*_TIMM, (r"^image\.", "")), with_text=False),
)

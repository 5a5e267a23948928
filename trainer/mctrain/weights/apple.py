"""The names of Apple's first code: MobileCLIP-S0, S1, S2, B and B (LT), branches as they were trained or folded."""

from __future__ import annotations

from mctrain.weights.layout import Change, Layout

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
# blocks, halvings and positions share one index; a halving opens the stage behind it
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
_CHANGES = {
    "image.head.weight": Change(
        read=lambda own: own.t().contiguous(), write=lambda own: own.t().contiguous()
    ),
    "image.positions": Change(read=lambda own: own.squeeze(0), write=lambda own: own.unsqueeze(0)),
    "text.positions": Change(read=lambda own: own[0, 0], write=lambda own: own[None, None]),
}

MCI = Layout(
    "apple", r"image_encoder\.model\.patch_embed\.0\.", (*_TEXT, *_MCI, *_BLOCKS, *_LAYERS), _CHANGES
)
VIT = Layout("apple", r"image_encoder\.model\.patch_emb\.0\.", (*_TEXT, *_VIT, *_LAYERS), _CHANGES)

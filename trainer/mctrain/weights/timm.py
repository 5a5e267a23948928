"""timm's names: an image tower alone, as its FastViT and ViT models with the projection as their classifier."""

from __future__ import annotations

from mctrain.weights.layout import Layout

IMAGE_RULES = (
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

MCI = Layout("timm", r"stem\.0\.", (*IMAGE_RULES, _MCI_HEAD, (r"^image\.", "")), with_text=False)
VIT = Layout("timm", r"patch_embed\.(backbone|proj)\.", (*IMAGE_RULES, (r"^image\.", "")), with_text=False)
MCI_RULES = (*IMAGE_RULES, _MCI_HEAD)

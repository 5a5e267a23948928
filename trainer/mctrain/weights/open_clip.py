"""open_clip's names: timm's image tower below `visual.trunk`, its own text transformer below `text`."""

from __future__ import annotations

from mctrain.weights.layout import Layout
from mctrain.weights.timm import IMAGE_RULES, MCI_RULES

_RULES = (
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

MCI = Layout("open_clip", r"visual\.trunk\.stem\.0\.", (*MCI_RULES, *_RULES))
VIT = Layout("open_clip", r"visual\.trunk\.patch_embed\.", (*IMAGE_RULES, *_RULES))

"""What runs a model: bundle and manifest, tokenizer, preprocessing, inference backends and the choice among them."""

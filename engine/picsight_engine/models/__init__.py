"""Model bundles and what runs them: manifest, tokenizer, preprocessing, inference backends."""

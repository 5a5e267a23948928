"""A model as files: its manifest, its tokenizer, how photos become its input, and what its scores mean."""

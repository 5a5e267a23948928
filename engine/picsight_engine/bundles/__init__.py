"""A model as files: manifest, tokenizer, preprocessing, and calibration of scores."""

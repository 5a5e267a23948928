"""Tags: defined by words and examples, scored over the whole library, trained by the user's decisions."""

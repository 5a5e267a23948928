"""Tags: made of words and examples, scored over the whole library, taught by a person's decisions."""

"""Published weights: the names that publishers give to tensors, and what reads and writes their files."""

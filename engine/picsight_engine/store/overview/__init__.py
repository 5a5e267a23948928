"""What the library holds, what is wrong with it, and the files that could not be read."""

"""Published weights: publishers' tensor names, and reading and writing of weights files."""

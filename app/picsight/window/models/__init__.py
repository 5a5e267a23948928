"""Models in plain words: the available ones and their cost; installing, using and removing them."""

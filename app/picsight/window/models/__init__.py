"""Models: what there is in plain words, what each would take, installing, using and removing them."""

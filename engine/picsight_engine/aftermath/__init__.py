"""What follows an indexing run: copies, colours, the switch of models, tag suggestions, the file of decisions."""

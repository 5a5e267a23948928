"""The library itself: first run, folders, indexing, problems."""

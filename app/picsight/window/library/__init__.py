"""The library in the window: first run, folders, indexing, problems."""

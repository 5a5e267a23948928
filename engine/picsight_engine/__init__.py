"""Finds photos by describing them, without a window: `library.Library` indexes folders and answers queries."""

"""The search box and its results: words, similar photos, empty answers."""

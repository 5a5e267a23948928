"""The box and what it leads to: words, photos like another, nothing found."""

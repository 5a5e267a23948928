"""The building blocks of pages: controls, icons, notices, words, pictures."""

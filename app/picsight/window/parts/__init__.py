"""What every page is made of: controls, icons, notices, words, pictures."""

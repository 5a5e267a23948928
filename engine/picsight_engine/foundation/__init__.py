"""What every room stands on: errors and messages, private files, signals, processes, suffixes, and what a file says of itself."""

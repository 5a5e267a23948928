"""A whole library in one file, and back, also on another machine."""

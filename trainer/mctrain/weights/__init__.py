"""Published weights: one file a layout, each a table of names, and what reads and writes files by them."""

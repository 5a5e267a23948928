"""The scrolling view of the wall: where each cell and heading stands, and the scrubber."""

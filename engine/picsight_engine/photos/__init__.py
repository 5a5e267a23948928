"""From a file's bytes to an upright sRGB picture, what it says of itself, and who it is."""

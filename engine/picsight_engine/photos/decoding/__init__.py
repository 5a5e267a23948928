"""Decodes photos and films of every format to upright sRGB pictures."""

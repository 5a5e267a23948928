"""Turns a file's bytes into an upright sRGB picture, its metadata, and its identity."""

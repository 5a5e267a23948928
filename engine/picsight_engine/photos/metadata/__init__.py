"""Reads what a file and its side-cars say of the picture: when, where, by which camera, with which keywords."""

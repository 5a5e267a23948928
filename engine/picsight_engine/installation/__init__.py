"""Installs models: the catalogue, downloads and local files, the installed models, and the choice of a library."""

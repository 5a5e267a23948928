"""Exports and imports tags, decisions and stars."""

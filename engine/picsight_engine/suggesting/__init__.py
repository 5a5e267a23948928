"""Suggestions while the user types a query."""

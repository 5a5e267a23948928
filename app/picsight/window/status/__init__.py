"""The line at the bottom, and what can be undone."""

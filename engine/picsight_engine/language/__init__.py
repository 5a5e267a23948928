"""The query language: turns typed text into terms to search for and conditions on metadata."""

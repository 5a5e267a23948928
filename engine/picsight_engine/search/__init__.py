"""From a parsed query to ranked photos."""

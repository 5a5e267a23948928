"""Tags, decisions and stars on their way out of a library and into it."""

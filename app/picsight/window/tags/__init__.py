"""Tags in the window: made of words and examples, previewed, and reviewed."""

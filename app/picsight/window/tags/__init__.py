"""Tags in the window: made of words and examples, looked through, decided on."""

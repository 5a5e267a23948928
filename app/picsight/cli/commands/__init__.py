"""One thin module per command: parse, call one engine function, print."""

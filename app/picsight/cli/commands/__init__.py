"""One thin file a command: parse, call one engine function, print."""

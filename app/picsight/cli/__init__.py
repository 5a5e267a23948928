"""The command line: `program` is its border, `commands` has one thin file a command."""

"""The command line: `program` is the entry point, `commands` has one thin module per command."""

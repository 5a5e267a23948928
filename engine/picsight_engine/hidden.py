"""What no walk through folders looks at: hidden things, and what systems keep for themselves."""

from __future__ import annotations

# Where systems keep what a person threw away, and what is theirs; elsewhere such names begin with a dot.
_OF_SYSTEMS = frozenset(
    {
        b"$recycle.bin",
        b"recycler",
        b"system volume information",
        b"lost+found",
        b"#recycle",
        b"@recycle",
        b"@eadir",
    }
)


def is_shown(name: bytes) -> bool:
    """Whether a file or directory with this name is a person's own, to be looked at."""
    return name[:1] != b"." and name.lower() not in _OF_SYSTEMS

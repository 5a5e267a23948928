"""The open library: opening, indexing, what is known of its folders."""

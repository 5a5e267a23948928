"""The query language: what a person types becomes things to look for, and conditions on what is known of a photo."""

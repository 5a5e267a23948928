"""Controls, keys, menus and questions that every room uses."""

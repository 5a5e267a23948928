"""The resident matrix of a space: mapped cache files, and the exact scan over them."""

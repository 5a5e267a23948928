"""The panel beside wall and viewer: what is known of the photos that are chosen, and ways to others like them."""

"""What a library holds and hands out: folders, photos, and problems."""

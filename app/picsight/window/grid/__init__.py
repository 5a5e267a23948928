"""The wall of photos: layout, model, thumbnails, delegate and view."""

"""The wall of photos: layout, model, thumbnails, painter and view."""

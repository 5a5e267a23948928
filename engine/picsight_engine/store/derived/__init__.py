"""What is made of photos: thumbnails, vectors, colours, and what of it is done."""

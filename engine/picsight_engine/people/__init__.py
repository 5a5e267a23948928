"""People in pictures: faces that look alike, and the persons that a user named them."""

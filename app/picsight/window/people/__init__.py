"""The page of people: faces that look alike, named by typing, and whether a face is a person's."""

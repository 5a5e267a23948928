"""Tags, decisions, stars and searches of a person, and the runs that change them."""

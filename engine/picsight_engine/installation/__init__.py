"""What brings a model: the catalogue, files from servers or from a person, what is installed, and which one a library uses."""

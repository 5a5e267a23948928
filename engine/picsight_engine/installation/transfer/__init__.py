"""One file over the network: what servers say of it, what of it is there, and the download that joins both."""

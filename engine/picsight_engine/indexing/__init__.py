"""From folders to vectors: scan, plan, worker processes, and the one writer."""

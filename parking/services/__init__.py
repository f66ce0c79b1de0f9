"""What parking does: one use case a file, one transaction each, committed at the edge."""

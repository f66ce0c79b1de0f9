"""What billing does: one use case a file, each step one transaction."""

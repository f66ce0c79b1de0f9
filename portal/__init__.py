"""What people open, and where the whole application is wired together (the `parking` command)."""

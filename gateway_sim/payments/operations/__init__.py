"""What each endpoint does: parameters in, changed objects and events out, one noun a file."""

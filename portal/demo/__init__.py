"""`parking demo`: a day of a small city on this machine, judged at its end."""

"""What a merchant can ask for, and what happens by itself afterwards."""

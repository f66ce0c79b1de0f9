"""Rendered camera frames of cars passing gates, with their truth."""

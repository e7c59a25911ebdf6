"""Nights as text for a terminal of 80 columns: plain in a pipe, ASCII where nothing else can be shown."""

"""What a person touches and sees by the bed: the marker button, the lamp, and the markers they leave."""

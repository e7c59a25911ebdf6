"""What touches hardware: bus, chips, pins, sample clock, and the emulated chip."""

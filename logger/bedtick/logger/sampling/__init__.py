"""From a chip to a recorder: drains in time, what is done about faults, and what they cost."""

"""Five taps on a mattress: hearing them, measuring how the bed rings, judging, and keeping the result."""

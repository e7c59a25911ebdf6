"""Blocks of counts in, events out: a streaming detector over one compiled kernel."""

"""Is a database sound? And what can be read of one that is not, page by page."""

"""Is the device healthy? What `bedtick check` looks at, a module for each part of the chain."""

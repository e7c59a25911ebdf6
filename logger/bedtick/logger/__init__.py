"""What runs at night: sampling, detector, store, wall clock and daemon."""

import logging

# Only `run` shows the daemon's messages; elsewhere what matters is said in one line at the end.
logging.getLogger("bedtick").addHandler(logging.NullHandler())

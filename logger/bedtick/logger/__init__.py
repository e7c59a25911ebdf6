"""What runs at night: sampling, detector, store, wall clock and daemon."""

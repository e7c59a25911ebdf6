"""The compiled heart of the detector: what happens to every sample, and at every step of 10 ms.

A sample passes four biquads on each axis. The first two give *motion* (0.7-25 Hz: peak, rms,
spectrum), all four give the *band* in which a mattress answers a jerk. Products of the band's axes
are summed over a *step* (about 10 ms) into a ring. At the end of each step the rest is decided:

- The covariance of the three axes over a window, each axis divided by its own noise, has a largest
  eigenvalue: the *level*. A jerk moves the bed along one line while noise fills all three axes, so
  the largest eigenvalue finds a weaker jerk than the sum over axes, and it does not depend on how
  the sensor lies. Three windows are kept: `jerk` (0.35 s) and `long` (1.5 s) start events,
  `envelope` (0.12 s) ends them.
- Each second the largest level of each window goes into a history of tens of seconds. A low quantile
  of the history is the *floor*: heartbeats are part of it, since they come every second; jerks are
  not, though they come every 3 s, since a low quantile does not see them.
- An event opens where a level passes the high threshold; its onset is the change point of the energy
  before that (Maeda 1985's criterion with the noise known). It closes after 0.5 s below the low
  threshold, or where the envelope rises 6 dB above the ring-down that its last peak left behind.
- Gravity is kept as means over 0.25 s. The angle between its medians over the 4 s before and the
  4 s after an event is known 4 s after its end, and follows the event as a row of its own.

Nothing here allocates and no module constant is a threshold: numba freezes constants into its cache,
so all that can be set comes in as `p`. Layouts of
the arrays are in `layout.py`.
"""

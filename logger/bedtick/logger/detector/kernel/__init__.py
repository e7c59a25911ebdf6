"""The compiled heart of the detector: what happens to every sample, and at every step of 10 ms.

Samples are summed to *steps* of about 10 ms, by a triangle over two of them. A step passes four biquads on
each axis, all three side by side in *lanes*: the first two give *motion* (0.7-25 Hz: peak, rms, spectrum),
all four the *band* in which a mattress answers a jerk. Running sums of the products of the band's axes go
into a ring, so that the covariance over any window is a difference of two rows. Then:

- The covariance of the three axes over a window, each axis divided by its own noise, has a largest
  eigenvalue: the *level*. A jerk moves the bed along one line while noise fills all three axes, so
  the largest eigenvalue finds a weaker jerk than the sum over axes, and it does not depend on how
  the sensor lies. Three windows are kept: `jerk` (0.35 s) and `long` (1.5 s) start events,
  `envelope` (0.12 s) ends them.
- Of calm windows of 1.5 s, with no event in them, the largest level of each kind goes into a history of
  tens of seconds. A low quantile of the history is the *floor*: heartbeats are part of it, jerks are not.
- An event opens where a level passes its *bar*: a ratio above the floor, and above the floor of the last
  seconds (which follows a truck or a washer), and out of a lull (a machine that runs up has none). Its onset
  is the change point of the energy before that (Maeda 1985's criterion with the noise known), placed
  between steps when more of it is seen. It closes after 0.5 s below the low threshold, or splits where the
  envelope rises 6 dB above the ring-down that its last peak left behind. What does not stand out of the
  second before it, what goes on without swaying, and what is as weak as footsteps is no event.
- Gravity is kept as means over 0.25 s. The angle between its medians over the 4 s before and the
  4 s after an event is known 4 s after its end, and follows the event as a row of its own.

Nothing here allocates and no module constant is a threshold: numba freezes constants into its cache,
so all that can be set comes in as `p`, and all that is remembered is one record, `s`. Both are laid out
in `layout.py`.
"""

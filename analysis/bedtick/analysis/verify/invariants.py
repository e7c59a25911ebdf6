"""What must be true of the rows of a bedtick database, each as a question that gives the offending rows.

SQLite knows types, keys and references; these are the promises that it does not know. Each query gives a
recording's id and up to four values for its sentence. A recording that is still open may be in the middle
of everything, so most questions are about ended ones. One that the plug ended has lost up to 10 s of raw
samples, and its last events and marks may lie in these.
"""

from __future__ import annotations

from typing import NamedTuple


class Invariant(NamedTuple):
    """A promise: its name, the sentence for a row that breaks it, the query, and the first tables with it.

    `is_loss` where rows that were lost, and no others, can break it too.
    """

    name: str
    says: str
    query: str
    since: int = 1
    is_loss: bool = False


# What the questions share. `reach.sample`: one past the last sample that a recording knows of, stored, lost
# or given up, and how far beyond it the last events and marks of a pulled plug may lie.
SHARED = """
    WITH reach AS (
        SELECT id, nominal_hz, ended, max(
            coalesce(end_sample, 0),
            coalesce((SELECT max(sample + lost_samples) FROM faults WHERE recording_id = r.id), 0)
        ) + CASE ended WHEN 'unplugged' THEN 10 * nominal_hz ELSE 1 END AS sample
        FROM recordings r
    ),
    spent AS (
        SELECT *, valid_s + gap_s + saturated_s + settling_s + hum_s + floor_s AS seconds,
            min(valid_s, gap_s, saturated_s, settling_s, hum_s, floor_s) AS least
        FROM minutes
    ),
    covered AS (
        SELECT s.recording_id, s.id, s.live, max(minute) AS last, count(*) AS there, sum(seconds) AS seconds
        FROM spent m JOIN scorings s ON s.id = m.scoring_id GROUP BY s.id
    )
"""

INVARIANTS = (
    Invariant(
        "migrations",
        "{1} migrations have run, but the file says that its tables are of version {2}",
        "SELECT NULL, ran, user_version FROM pragma_user_version, (SELECT count(*) AS ran"
        " FROM _sqlite_migrations WHERE migration_set = 'bedtick') WHERE ran <> user_version",
    ),
    Invariant(
        "recordings",
        "its rate of {1} Hz or its scale of {2} g is none",
        "SELECT id, nominal_hz, scale_g FROM recordings WHERE nominal_hz <= 0 OR scale_g <= 0",
    ),
    Invariant(
        "ends",
        "it ended ({1}) at sample {2}: only one of them is known",
        "SELECT id, ended, end_sample FROM recordings WHERE (ended IS NULL) <> (end_sample IS NULL)",
    ),
    Invariant(
        "ends",
        "it ended at sample {1}, but its raw samples go on to {2}",
        "SELECT id, end_sample, last FROM (SELECT id, end_sample, (SELECT max(first_sample + sample_count)"
        " FROM raw_chunks WHERE recording_id = r.id) AS last FROM recordings r) WHERE end_sample < last",
    ),
    Invariant(
        "scorings",
        "it has {1} live scorings instead of one",
        "SELECT r.id, count(s.id) FROM recordings r"
        " LEFT JOIN scorings s ON s.recording_id = r.id AND s.live = 1 GROUP BY r.id HAVING count(s.id) <> 1",
        is_loss=True,
    ),
    Invariant(
        "events",
        "event {1}, from sample {2} to {3}, does not lie inside it",
        "SELECT s.recording_id, e.id, e.onset_sample, e.end_sample FROM events e"
        " JOIN scorings s ON s.id = e.scoring_id JOIN reach r ON r.id = s.recording_id"
        " WHERE e.onset_sample < 0 OR e.end_sample <= e.onset_sample"
        " OR (r.ended IS NOT NULL AND e.end_sample > r.sample)",
    ),
    Invariant(
        "events",
        "event {1} has a size that no event has ({2} mg peak, {3} mg rms, {4} times the floor)",
        "SELECT s.recording_id, e.id, peak_mg, rms_mg, snr"
        " FROM events e JOIN scorings s ON s.id = e.scoring_id"
        " WHERE peak_mg < 0 OR rms_mg < 0 OR rms_mg > 1.001 * peak_mg OR snr < 0"
        " OR tilt_deg NOT BETWEEN 0 AND 180.001 OR dominant_hz < 0",
    ),
    Invariant(
        "events",
        "event {1} is not complete, though the recording has ended",
        "SELECT s.recording_id, e.id FROM events e JOIN scorings s ON s.id = e.scoring_id"
        " JOIN recordings r ON r.id = s.recording_id WHERE e.complete = 0 AND r.ended IS NOT NULL",
    ),
    Invariant(
        "events",
        "event {1} is a {2}, though the mattress was tilted by {3} degrees and {4} make a turn",
        "SELECT s.recording_id, e.id, kind, tilt_deg, json_extract(settings, '$.turn_deg')"
        " FROM events e JOIN scorings s ON s.id = e.scoring_id WHERE e.complete = 1 AND json_valid(settings)"
        " AND (kind = 'turn') <> (coalesce(tilt_deg, -1) >= json_extract(settings, '$.turn_deg'))",
    ),
    Invariant(
        "scorings",
        "the settings of scoring {1} can not be read",
        "SELECT recording_id, id FROM scorings WHERE NOT json_valid(settings)",
    ),
    Invariant(
        "bouts",
        "bout {1} says {2} events from sample {3} to {4}, and its events say otherwise",
        "SELECT s.recording_id, b.id, b.event_count, b.onset_sample, b.end_sample FROM bouts b"
        " JOIN scorings s ON s.id = b.scoring_id LEFT JOIN events e ON e.bout_id = b.id GROUP BY b.id"
        " HAVING count(e.id) <> b.event_count OR min(e.onset_sample) <> b.onset_sample"
        " OR max(e.end_sample) <> b.end_sample",
        is_loss=True,
    ),
    Invariant(
        "bouts",
        "event {1} is in bout {2}, where it can not be",
        "SELECT s.recording_id, e.id, b.id FROM events e JOIN bouts b ON b.id = e.bout_id"
        " JOIN scorings s ON s.id = e.scoring_id"
        " WHERE b.scoring_id <> e.scoring_id OR e.kind NOT IN ('twitch', 'movement')",
    ),
    Invariant(
        "minutes",
        "minute {2} of scoring {1} has {3} seconds",
        "SELECT s.recording_id, s.id, minute, seconds FROM spent m JOIN scorings s ON s.id = m.scoring_id"
        " WHERE minute < 0 OR seconds > 60.1 OR least < 0"
        " OR activity_mg < 0 OR floor_mg < 0 OR weakest_mg < 0",
    ),
    Invariant(
        "minutes",
        "scoring {1} has {2} minutes where the last is number {3}",
        "SELECT recording_id, id, there, last FROM covered WHERE there <> last + 1",
        is_loss=True,
    ),
    Invariant(
        "minutes",
        "minutes of scoring {1} are not whole: {2:.0f} seconds in {3} minutes",
        "SELECT recording_id, id, seconds, there FROM covered WHERE there = last + 1"
        " AND NOT seconds BETWEEN 60 * last - 0.1 AND 60 * there + 0.1",
        is_loss=True,
    ),
    Invariant(
        "minutes",
        "the minutes of its live scoring cover {1:.0f} of {2:.0f} seconds",
        "SELECT r.id, seconds, r.sample / r.nominal_hz FROM reach r JOIN covered m ON m.recording_id = r.id"
        " WHERE m.live = 1 AND there = last + 1 AND r.ended IS NOT NULL"
        " AND NOT seconds BETWEEN r.sample / r.nominal_hz - 21 AND r.sample / r.nominal_hz + 1",
        is_loss=True,
    ),
    Invariant(
        "anchors",
        "the anchor at sample {1} does not lie inside it",
        "SELECT r.id, a.sample FROM anchors a JOIN reach r ON r.id = a.recording_id"
        " WHERE a.sample < 0 OR (r.ended IS NOT NULL AND a.sample > r.sample)",
    ),
    Invariant(
        "markers",
        "the mark at sample {1} does not lie inside it",
        "SELECT r.id, m.sample FROM markers m JOIN reach r ON r.id = m.recording_id"
        " WHERE m.sample < 0 OR (r.ended IS NOT NULL AND m.sample > r.sample)",
        since=3,
    ),
    Invariant(
        "faults",
        "the fault at sample {1}, which cost {2} samples, can not be",
        "SELECT recording_id, sample, lost_samples FROM faults WHERE sample < 0 OR lost_samples < 0",
    ),
    Invariant(
        "raw samples",
        "the chunk from sample {1} on has {2} samples",
        "SELECT recording_id, first_sample, sample_count FROM raw_chunks"
        " WHERE first_sample < 0 OR sample_count < 1",
    ),
    Invariant(
        "raw samples",
        "the chunk from sample {1} on can not be at {2} ns, {3} Hz",
        "SELECT recording_id, first_sample, boot_ns, rate_hz FROM (SELECT *,"
        " (boot_ns - lag(boot_ns) OVER w) / 1e9 AS passed_s,"
        " (first_sample - lag(first_sample) OVER w) / rate_hz AS sampled_s FROM raw_chunks"
        " WINDOW w AS (PARTITION BY recording_id ORDER BY first_sample))"
        " WHERE rate_hz NOT BETWEEN 1 AND 100000 OR boot_ns < 0"
        " OR abs(passed_s - sampled_s) > 30 + 0.1 * sampled_s",  # lost samples are counted by a nearby rate
    ),
)

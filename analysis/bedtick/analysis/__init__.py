"""What runs in the morning: nights, scoring, summary, report, export and the command line."""

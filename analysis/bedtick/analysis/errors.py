"""Everything that can go wrong when a night is read, each told in one line.

    AnalysisError
    |-- NoDatabaseError       there is no file, or it may not be read
    |-- NotBedtickError       the file is something else, or damaged
    |-- NewerDatabaseError    a later bedtick wrote it
    |-- UnknownNightError     no night has that name
    `-- UnknownScoringError   no scoring has that id

A message names what was wrong and what to do; the command line prints it and ends with exit code 1.
"""

from __future__ import annotations


class AnalysisError(Exception):
    """Root of all errors that the review commands report."""


class NoDatabaseError(AnalysisError):
    """The database file is missing or may not be read."""


class NotBedtickError(AnalysisError):
    """The file is no bedtick database, or a damaged one."""


class NewerDatabaseError(AnalysisError):
    """The database has tables that this version does not know."""


class UnknownNightError(AnalysisError):
    """No night in the database has this name."""


class UnknownScoringError(AnalysisError):
    """No scoring of the nights asked for has this id."""

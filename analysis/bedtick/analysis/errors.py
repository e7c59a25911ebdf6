"""Everything that can go wrong when a night is read, each told in one line.

    AnalysisError
    |-- NoDatabaseError       there is no file, or it may not be read
    |-- NotBedtickError       the file is something else, or damaged
    |-- NewerDatabaseError    a later bedtick wrote it
    |-- NotWritableError      the file takes no note from this user, or not now
    |-- SalvageError          nothing can be read out of one file into another
    |-- UnknownNightError     no night has that name
    |-- UnknownScoringError   no scoring has that id
    `-- StartRefusedError     a start by hand contradicts what is known

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


class NotWritableError(AnalysisError):
    """The database took nothing: this user may not write, somebody holds it, or the disk is full."""


class SalvageError(AnalysisError):
    """A damaged database can not be read out into the file that was named."""


class UnknownNightError(AnalysisError):
    """No night in the database has this name."""


class UnknownScoringError(AnalysisError):
    """No scoring of the nights asked for has this id."""


class StartRefusedError(AnalysisError):
    """A start that a person gave contradicts what is known of a night, or could mean several recordings."""

"""Measures: numbers computed from the log by SQL and a little statistics, never during a run."""

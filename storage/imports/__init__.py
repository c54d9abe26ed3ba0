"""Conversations that were not played here, as episodes of the log: one shape for all sources, and one way in."""

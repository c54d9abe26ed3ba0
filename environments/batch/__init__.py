"""Batches: many episodes from one grid, claimed one by one, played by any number of workers, and gone on with."""

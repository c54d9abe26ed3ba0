"""`tertulia export`: the log, or a part of it, in the files that other programs read."""

from tertulia.cli.export.verb import add_to as add_to

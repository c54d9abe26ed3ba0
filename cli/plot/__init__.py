"""`tertulia plot`: figures for papers, each with the table behind it."""

from tertulia.cli.plot.verb import add_to as add_to

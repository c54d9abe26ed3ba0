"""`tertulia report`: an episode as one page to look at, which opens anywhere and loads nothing."""

from tertulia.cli.report.verb import add_to as add_to

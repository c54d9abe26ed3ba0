"""`tertulia browse`: the log in a browser, by Datasette, for reading alone."""

from tertulia.cli.browse.verb import add_to as add_to

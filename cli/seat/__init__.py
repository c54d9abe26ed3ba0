"""A person's seat on a terminal: what is shown, what is typed, and the line between the two."""

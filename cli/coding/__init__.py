"""People's judgements on the command line: sheets for coders, what they give back, and how far they agree."""

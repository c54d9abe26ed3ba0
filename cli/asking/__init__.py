"""Asking the log at a prompt: statements over several lines, completion, and commands that begin with a dot."""

"""How people use it: one module per verb of the command line, and what they see."""

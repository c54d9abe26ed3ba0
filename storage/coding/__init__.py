"""People's judgements: what is given to coders, what they give back, and how it is kept."""

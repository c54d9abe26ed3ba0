"""Published story sets read as scripted scenarios: gold answers every question, and disagreements are explained."""

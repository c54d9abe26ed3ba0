"""tertulia: agents with explicit minds meet, talk, and leave a log that SQL can ask."""

__version__ = "0.1.0"

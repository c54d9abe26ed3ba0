"""What leaves the log: tables for other programs, records to train with, logs for other viewers."""

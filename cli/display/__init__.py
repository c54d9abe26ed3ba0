"""What people see: turns, minds, tables, summaries; everything shown goes through `harmless` first."""

"""People at the table: what they send, when they are waited for, what their seat may see."""

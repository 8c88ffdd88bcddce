"""A reward for short completions."""

"""A template with tools, and its parser."""

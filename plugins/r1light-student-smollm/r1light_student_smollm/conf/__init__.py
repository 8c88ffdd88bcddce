"""YAML that joins r1light's own groups."""

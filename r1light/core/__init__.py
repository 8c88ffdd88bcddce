"""Values, protocols, errors and the registry: what every other part may import."""

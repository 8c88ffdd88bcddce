"""Lightning modules, batching and checkpoints."""

"""Knights and knaves: generated puzzles, and all that is needed to train and to evaluate on them."""

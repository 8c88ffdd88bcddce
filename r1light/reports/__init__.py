"""Pages about runs, made from run folders' files alone: no torch, no network, no page but this one file."""

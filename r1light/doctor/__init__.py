"""What a machine has for training, what it lacks, and what to do about each."""

"""A pipeline's engine: its graph, the processes of its steps, and what need not be run again."""

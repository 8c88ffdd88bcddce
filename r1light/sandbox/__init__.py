"""Running programs that a model wrote, confined, and judging them from outside their process."""

"""What customers are worth by the dates and amounts of their purchases alone: the baseline of a value outcome."""

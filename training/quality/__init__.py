"""Whether records are fit to learn from: what is wrong with them, what is set aside, and when they are refused."""

"""Answers requests: which segments a visitor is in, and how likely they are to act."""

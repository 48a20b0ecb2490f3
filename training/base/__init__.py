"""Everyone at once: a bundle run over a whole table of visitors, and the audiences that come of it."""

"""Who is like the visitors of a given audience: learned from its members and the rest, of whom nothing is known."""

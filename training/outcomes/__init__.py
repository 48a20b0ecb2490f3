"""What comes of a visitor: how likely an event is, which class it will be, how much is expected."""

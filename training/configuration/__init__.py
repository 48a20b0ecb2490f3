"""The TOML file that says what to train, read and checked before anything is done."""

"""Load, open-loop or closed, and a verdict by service-level objectives. Imports protos only."""

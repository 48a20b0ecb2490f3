"""Open-loop load and a verdict by service-level objectives. Imports protos only."""

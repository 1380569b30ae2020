"""The closure of pins: all their dependencies, resolved by sync and recorded for the check."""

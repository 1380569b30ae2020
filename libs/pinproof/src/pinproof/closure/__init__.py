"""The closure of pins: everything that they lead to, resolved by sync, recorded for the check."""

"""Truth, drift and performance. Needs the extra ``report``; no service imports it."""

"""Signals of demand: each date's sales against the forecast that was made for them, and what is too far off to be chance."""

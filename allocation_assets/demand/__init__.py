"""Demand: what a SKU sells per day at a location, and how uncertain that is.

`champion` is the model and its daily step (`_kernels` compiled), `cold_start` what it learns from history, `outlook` the
distributions ahead, `season` the yearly profile. `history` and `carry` read the warehouse and the hand-over, `daily` puts a
run together, `assets` wires it. `panel`, `forecaster`, `baselines` and `backtest` compare methods on dense arrays.
`distribution` holds closed forms of the negative binomial that other domains use too.
"""

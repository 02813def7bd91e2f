"""Demand: what a SKU sells per day at a location, and how uncertain that is.

Kernel modules only read arrays: ``distribution`` (closed forms and quantiles), ``estimate`` (mean and dispersion from
a bounded window with censored days).
"""

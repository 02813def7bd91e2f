"""Reconciliation: causes of count variances, corrections and dispositions under policy, approvals, audit entries.

Set work is SQL over small Arrow tables (DuckDB in memory, money in DECIMAL); attribution is a numba kernel.
"""

"""Data quality: feed contracts, the take-in of landed files, expectation suites and gate receipts.

What belongs here: everything that says what good data is and that accounts for what is not. What does
not: orchestration (no Dagster import anywhere in this package) and business measures (dbt).
"""

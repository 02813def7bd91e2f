"""The closed loop behind `tests.benchmarks.replenishment`: demand, shelf, forecasts, policies, perfect foresight."""

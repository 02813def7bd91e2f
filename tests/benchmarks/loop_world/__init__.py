"""Closed loop of daily allocation over simulated weeks: worlds, the shared forecast, policies, the simulator."""

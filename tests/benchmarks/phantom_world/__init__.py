"""A simulated chain whose true stock is known to the simulator only; written apart from the detector it judges."""

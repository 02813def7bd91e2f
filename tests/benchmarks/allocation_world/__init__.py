"""Days to plan, other ways to plan them, and how fast the engine streams: parts of the allocation benchmark."""

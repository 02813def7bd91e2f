"""Parts of the closed-loop benchmark: worlds, the forecast everybody gets, peers, our policy, the simulator."""

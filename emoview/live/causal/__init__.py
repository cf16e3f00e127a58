"""The causal analysis: ticks go in, rows come out at once, and nothing waits for what comes later."""

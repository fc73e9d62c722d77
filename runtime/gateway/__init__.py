"""The regional gateway: verifies the edge token, finds the agent, streams both ways."""

"""What you see: the terminal interface, above the agent."""

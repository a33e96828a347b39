"""Who thinks: local models, the engine that runs them, its HTTP server and the client."""

"""A streaming proxy that heals what other OpenAI-compatible servers get wrong."""

"""A task list."""

"""Running untrusted code with nothing but what it needs."""

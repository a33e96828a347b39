"""The same interface in a browser: served on loopback, behind a token."""

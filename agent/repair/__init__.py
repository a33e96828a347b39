"""The repair search: localise, propose, verify, rank."""

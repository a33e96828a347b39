"""Measures the whole workflow on sets of broken repositories whose right mend is known."""

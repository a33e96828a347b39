"""Calls functions again with inputs a little changed, from inside the repository's own tests.

The text of these modules is put into every probe module (see `agent.repair.python.probes`) and
runs under the repository's interpreter: standard library only, Python 3.8 or newer.
"""

MODULES = ("values", "calls", "session")
"""In the order in which they need each other."""

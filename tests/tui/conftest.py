"""How the screens are driven."""

from screens import drive

__all__ = ["drive"]

"""Running untrusted code with nothing but what it needs."""

from tools.sandbox.base import Completed, Limits, Process, Sandbox
from tools.sandbox.choose import Check, NoSandbox, Proof, choose, doctor, prove

__all__ = [
    "Check",
    "Completed",
    "Limits",
    "NoSandbox",
    "Process",
    "Proof",
    "Sandbox",
    "choose",
    "doctor",
    "prove",
]

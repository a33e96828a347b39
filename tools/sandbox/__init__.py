"""Running untrusted code with nothing but what it needs."""

from tools.sandbox.base import Completed, Limits, Process, Sandbox
from tools.sandbox.canaries import Canary, Proof, prove
from tools.sandbox.choice import Check, NoSandbox, choose, choose_proven, doctor

__all__ = [
    "Canary",
    "Check",
    "Completed",
    "Limits",
    "NoSandbox",
    "Process",
    "Proof",
    "Sandbox",
    "choose",
    "choose_proven",
    "doctor",
    "prove",
]

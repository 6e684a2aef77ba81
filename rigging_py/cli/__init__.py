"""The command `rigging-py`: what is in a run store, and what became of a run."""

from rigging_py.cli.entry import main

__all__ = ["main"]

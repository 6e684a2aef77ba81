"""Where runs are kept, so that another process or another machine can go on with them: `get_store`, `RunStore`."""

from rigging_py.store.base import Checkpoint, Lease, RunStore, RunSummary, StoredRun
from rigging_py.store.registry import get_store, register_store

__all__ = [
    "Checkpoint",
    "Lease",
    "RunStore",
    "RunSummary",
    "StoredRun",
    "get_store",
    "register_store",
]

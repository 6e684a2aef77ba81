"""The guarded door to the web: what a conversation points to, fetched without leading into private networks."""

from rigging_py.fetching.addresses import is_public
from rigging_py.fetching.fetch import Fetched, fetch
from rigging_py.fetching.parts import fetch_audio, fetch_file, fetch_image

__all__ = ["Fetched", "fetch", "fetch_audio", "fetch_file", "fetch_image", "is_public"]

"""What holds for every test: no network but loopback, and how hypothesis looks for examples."""

from __future__ import annotations

import os

import hypothesis

from tests.house.loopback import refuse_the_network

# Before anything of ours dials: clients in Rust and C++ pass no audit hook, so our own door to them reads this. So do
# the processes that tests start.
os.environ["RIGGING_PY_LOOPBACK_ONLY"] = "1"
refuse_the_network()

# logfire, which a few tests are about, would otherwise instrument every model of every process that they start.
os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"

# A proxy would stand before the servers that tests start, and one on this machine would lead out of it.
for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
    del os.environ[name]

# A deadline measures the machine and its load, not the code.
hypothesis.settings.register_profile("here", deadline=None, max_examples=50)
hypothesis.settings.register_profile("machines", parent=hypothesis.settings.get_profile("here"), derandomize=True)
hypothesis.settings.load_profile("machines" if os.environ.get("CI") else "here")

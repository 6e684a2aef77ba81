"""`python -m rigging_py` is the command `rigging-py`."""

import sys

from rigging_py.cli import main

if __name__ == "__main__":
    sys.exit(main())

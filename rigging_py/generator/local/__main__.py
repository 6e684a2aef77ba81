"""`python -m rigging_py.generator.local [--force] [--verify]`: fetch the weights once and print where they are."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from rigging_py.error import NetworkRefusedError, WeightsError
from rigging_py.generator.local.weights import weights


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what `arguments` ask for and answer the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m rigging_py.generator.local",
        description="Fetch the weights of the embedded model into the user's cache and print their path.",
    )
    parser.add_argument("--force", action="store_true", help="fetch them anew, whatever the cache holds")
    parser.add_argument("--verify", action="store_true", help="check the cached file's sha256, not its size alone")
    options = parser.parse_args(arguments)
    try:
        path = weights(force=options.force, verify=options.verify)
    except (WeightsError, NetworkRefusedError) as error:
        sys.stderr.write("\n".join((str(error), *getattr(error, "__notes__", ()))) + "\n")
        return 1
    except KeyboardInterrupt:
        return 130
    sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

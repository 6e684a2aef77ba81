"""Writes the golden files of format 1 that are not there yet: `python -m tests.run.golden`.

It never touches one that is there: it stands for runs that people have stored. `schema` as an argument writes the
published JSON schema anew, which may only ever gain fields.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rigging_py.run import json_schema
from tests.run.golden.cases import CASES, ENDS, FOLDER, ended, ends, loaded, spelled

SCHEMA = Path(__file__).parents[3] / "docs" / "run-format-1.schema.json"


def main(arguments: list[str]) -> None:
    """Writes the schema, or what golden files are missing."""
    if arguments == ["schema"]:
        SCHEMA.write_text(spelled(json_schema()))
        return
    FOLDER.mkdir(exist_ok=True)
    missing = [case for case in CASES if not case.file.exists()]
    if not missing:
        sys.exit("Every golden file is there, and none of them is ever overwritten.")
    known = ends()
    for case in missing:
        case.file.write_text(spelled(json.loads(json.dumps(case.make().dump(), allow_nan=False))))
        ENDS.write_text(spelled({**known, case.name: ended(loaded(case)).splitlines()}))
        known = ends()
        print(case.name)


if __name__ == "__main__":
    main(sys.argv[1:])

"""`Change`: one thing that is told about a schema that was rewritten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Kept: TypeAlias = Literal["restored", "checked", "said", "closed", "unenforced"]
"""What becomes of what was meant.

`restored`: values travel in another form and are turned back. `checked`: the model is not held to it, and the answer is
checked when it is here. `said`: it says nothing of which values are valid. `closed`: members that the schema does not
name cannot be given. `unenforced`: the whole schema goes as it is, the model is not held to it, the answer is checked.
"""

_WORDS: dict[Kept, str] = {
    "restored": "turned back in the answer",
    "checked": "checked when the answer is here",
    "said": "which values are valid is the same",
    "closed": "members that it does not name cannot be given",
    "unenforced": "the model is not held to it; checked when the answer is here",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a schema.

    Attributes:
        path: where, as a JSON pointer into the schema that was given.
        what: what was done.
        why: the reason.
        kept: what becomes of what was meant; see `Kept`.
    """

    path: str
    what: str
    why: str
    kept: Kept

    @property
    def is_lossless(self) -> bool:
        """Whether every valid value can be given, and given is the same."""
        return self.kept != "closed"

    def __str__(self) -> str:
        reason = f" ({self.why})" if self.why else ""
        return f"{self.path or '/'}: {self.what}{reason}; {_WORDS[self.kept]}"

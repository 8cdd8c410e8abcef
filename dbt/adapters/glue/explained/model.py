"""What an explanation is, and how an error is recognised: by what it shows."""

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

# "(Service: AWSGlue; Status Code: 400; Error Code: AccessDeniedException; …)" of AWS's first SDK
# for Java, and the class name of the second one's exceptions.
_CODE_IN_TEXT = re.compile(r"Error Code: (\w+)|\bservices\.\w+\.model\.(\w+Exception)\b")
# From here on a message of Spark's is the user's own query, or the plan made of it.
_QUERY = re.compile(r"\n== SQL|;(?: line \d+ pos \d+;?)?\n['+:!\w]|\n'[A-Z]\w+ ")
_NAME = re.compile(r"`[^`\n]*`")
_CAUSE = "\nCaused by: "
# Spark's for errors that have no class yet: their text is that of what caused them.
_NO_CLASS = "_LEGACY_ERROR_"


@dataclass(frozen=True)
class Shown:
    """What is known of an error: its text, AWS's code and operation, Spark's error class."""

    text: str
    code: str | None = None
    operation: str | None = None
    error_class: str | None = None

    @functools.cached_property
    def codes(self) -> set[str]:
        """AWS's codes: that of the answer, and those that the text of a Java exception holds."""
        found = {a or b for a, b in _CODE_IN_TEXT.findall(self.text)}
        return found | {self.code} if self.code else found

    @functools.cached_property
    def told(self) -> str:
        """The text without what the user wrote: the query, its plan, names in backticks."""
        place = _QUERY.search(self.text)
        told = self.text
        if place:
            # What caused it comes last, below the query.
            below = told.find(_CAUSE, place.start())
            told = told[: place.start()] + (told[below:] if below >= 0 else "")
        return _NAME.sub("``", told)

    @functools.cached_property
    def of_aws(self) -> "Shown":
        """The part that AWS may have said: where Spark gives an error class, what caused it. The
        text above that is Spark's, and may quote values of rows."""
        if self.error_class is None or self.error_class.startswith(_NO_CLASS):
            return self
        _, cause, said = self.text.partition(_CAUSE)
        return replace(self, text=cause + said)


@dataclass(frozen=True)
class Sign:
    """What one error must show, all that is given here.

    codes: one of AWS's error codes. operations: of AWS, one of which was called. classes: Spark's
    error classes; "A" covers "A.B" too. text: a regular expression, searched in `Shown.told`.
    """

    codes: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    text: str = ""

    def is_in(self, shown: Shown) -> bool:
        if self.codes and not shown.codes & set(self.codes):
            return False
        if self.operations and shown.operation not in self.operations:
            return False
        if self.classes and not _covered(shown.error_class, self.classes):
            return False
        return not self.text or re.search(self.text, shown.told) is not None


def _covered(error_class: str | None, classes: Iterable[str]) -> bool:
    return error_class is not None and any(
        error_class == name or error_class.startswith(f"{name}.") for name in classes
    )


@dataclass(frozen=True)
class Explanation:
    """One cause. name: its heading in docs/errors.md; any one of signs is enough.

    cause: one sentence; next_step: what to do. retryable: the same statement may succeed when it
    is repeated.
    """

    name: str
    cause: str
    next_step: str
    signs: tuple[Sign, ...]
    retryable: bool = False

    @property
    def text(self) -> str:
        return f"{self.cause} {self.next_step}"

"""What an error means, in one sentence, and the next step.

The error's own text is never replaced: the explanation stands below it. An error that is not
surely one of the table's has no explanation.
"""

from dbt.adapters.glue.explained import aws, spark
from dbt.adapters.glue.explained.model import Explanation, Shown

# The first match counts, so the narrower cause comes first. The parts are those of docs/errors.md.
PARTS: dict[str, tuple[Explanation, ...]] = {
    "Credentials": aws.CREDENTIALS,
    "Permissions": aws.PERMISSIONS,
    "Places and limits": aws.PLACES,
    "Set-up": spark.SET_UP,
    "Data": spark.DATA,
    "Memory": spark.MEMORY,
    "Queries": spark.QUERIES,
}
# Of an error with one of Spark's error classes, AWS can have said a part only: Shown.of_aws.
OF_AWS = frozenset({"Credentials", "Permissions", "Places and limits"})


def explanation_of(shown: Shown) -> Explanation | None:
    """The first explanation that has a sign in the error; None for an unknown one."""
    for name, part in PARTS.items():
        looked_at = shown.of_aws if name in OF_AWS else shown
        for explanation in part:
            if any(sign.is_in(looked_at) for sign in explanation.signs):
                return explanation
    return None

"""QueryRelation: a query in the place of a relation, so that an increment needs no view."""

import string
from dataclasses import dataclass

from dbt.adapters.contracts.relation import RelationType

from dbt.adapters.glue.relation import GlueIncludePolicy, GlueRelation
from dbt.adapters.glue.sql_text import segments


@dataclass(frozen=True, eq=False, repr=False)
class QueryRelation(GlueRelation):
    """A query that macros read as they read a relation: it renders as `(query)`.

    It has the name that its view would have, and no schema, so that its columns are asked of
    the session. It is no object of the catalog: there is nothing to drop.
    """

    query: str = ""

    @classmethod
    def of(cls, name: str, query: str) -> "QueryRelation":
        return cls.create(
            identifier=name,
            type=RelationType.View,
            include_policy=GlueIncludePolicy(schema=False),
            query=as_subquery(query),
        )

    def render(self) -> str:
        # a line of its own, since the query may end in a comment
        return f"(\n{self.query}\n)"


def as_subquery(query: str) -> str:
    """The query without the semicolon at its end, which Spark takes of a statement only."""
    pieces = list(segments(query))
    for index in range(len(pieces) - 1, -1, -1):
        is_code, text = pieces[index]
        if is_code and text.strip():
            if text.rstrip().endswith(";"):
                pieces[index] = (True, text.rstrip(f";{string.whitespace}") + "\n")
            break
        if not is_code and not text.startswith(("--", "/*")):
            break
    return "".join(text for _, text in pieces)

"""A merge into an Iceberg table while Glue is unwell for Spark itself: the commit's own calls.

The session's Spark signs with the one key of local Glue, so these cells run one after another.
"""

from .cell import BUCKET, Cell
from .scenarios import Scenario
from .session_scenarios import connect

SPARKS_KEY = "local"


def iceberg(cell: Cell) -> None:
    """A table of Iceberg with the row 1."""
    run = cell.memory["run"] = cell.memory["on_connect"]
    where = f"s3://{BUCKET}/{cell.database}_written"
    table = f"glue_catalog.{cell.database}.written"
    run(f"create table {table} (a int, b string) using iceberg location '{where}'")
    run(f"insert into {table} select 1, 'old'")
    cell.memory["table"] = table


def merge(cell: Cell) -> None:
    table = f"glue_catalog.{cell.database}.written"
    new = "select 1 as a, 'new' as b union all select 2, 'new'"
    with connect(cell) as transport:
        transport.execute(
            f"merge into {table} t using ({new}) s on t.a = s.a "
            "when matched then update set * when not matched then insert *",
            fetch=False,
        )


# The AWS SDK in Spark takes such a page for an answer: Iceberg then believes in a commit that was
# none, which nobody here can prevent.
NO_PROXY = {
    "html": "No proxy lies between a Glue session and Glue; what Iceberg would do is not ours."
}
OF_SPARK = tuple(
    Scenario(
        f"spark:{operation}", merge, iceberg, session="spark", caller=SPARKS_KEY, spared=NO_PROXY
    )
    for operation in ("UpdateTable", "GetTable")
)

"""Each pain of dbt-glue's users that this version has to spare them has a test named after it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
# By their rows in the list of pains: formats, merges, partitions, snapshots, seeds, Python models.
PAINS = {
    **{1: "a failed statement is told as OK", 3: "throttling; calls per statement"},
    **{5: "a throttled catalog call means absent", 49: "waits outlast their condition"},
    **{57: "adapter_response is always OK", 59: "a failed drop_schema is ignored"},
    **{15: "sessions left running", 24: "delete of a session is denied"},
    **{2: "threads: sessions for each, or one by one", 4: "each command starts a session"},
    **{12: "the session dies in mid-run", 33: "two processes, one session name"},
    **{34: "an unrelated meta key starts a session"},
    **{6: "insert_overwrite replaces every partition", 7: "on_schema_change is ignored"},
    **{8: "Iceberg needs a catalog and prefixes written by hand"},
    **{9: "fine-grained access fails on RDDs", 10: "a view becomes a table, or cannot be replaced"},
    **{13: "SQL changed on its way", 27: "results over stdout break, a local file is shared"},
    **{60: "two statements in one string are split anywhere"},
    **{14: "Delta: the second run fails", 16: "an increment leaves files in S3"},
    **{17: "seeds: types, empty cells, alias, dates", 18: "snapshots fail or drop columns"},
    **{23: "Lake Formation where it is not used", 25: "another account's catalog; roles, profiles"},
    **{58: "an assumed role's keys expire in mid-run"},
    **{19: "Python models: refs, formats, pandas", 20: "microbatch is rejected"},
    **{29: "Iceberg transforms fail", 30: "merge_update_columns and merge_exclude_columns"},
    **{31: "--full-refresh after a schema change", 32: "names with dashes, reserved words"},
    **{35: "types are not widened", 36: "each run expires all Iceberg snapshots"},
    **{38: "location only in the profile", 39: "items of conf are lost or cut"},
    **{40: "drop view … cascade", 41: "Hudi: duplicates when the partition changes"},
    **{43: "pre-hooks run after the view is made", 44: "a temporary view has a schema"},
    **{45: "the second run: invalid relation type", 51: "append to Iceberg fails in run 2"},
    **{52: "write options by model", 54: "table_properties with a number or boolean"},
    **{55: "rename copies the data"},
}


def names() -> Iterator[str]:
    """The names of all test functions and methods under tests/."""
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield node.name


def test_each_pain_has_a_test() -> None:
    shown = {int(found[1]) for name in names() if (found := re.match(r"test_pain_(\d\d)_\w", name))}
    missing = [f"{number}: {pain}" for number, pain in PAINS.items() if number not in shown]
    assert not missing, "no test_pain_<number>_<words> for:\n" + "\n".join(missing)

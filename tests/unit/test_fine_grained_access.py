"""Sessions with Lake Formation's fine-grained access refuse RDDs and hide the SparkContext."""

import ast
import re
from pathlib import Path

import pytest

import dbt.adapters.glue.session.runtime as runtime
import dbt.include.glue as include

# Of RDD and of the SparkContext methods that make one (pyspark 3.5).
RDD_CALLS = {
    *("rdd", "parallelize", "emptyRDD", "textFile", "wholeTextFiles", "binaryFiles", "toJSON"),
    *("foreachPartition", "mapPartitions", "newAPIHadoopFile", "newAPIHadoopRDD", "hadoopFile"),
    *("sequenceFile", "pickleFile", "runJob", "broadcast", "accumulator", "toJavaRDD", "javaRDD"),
}
RUNTIME = sorted(Path(runtime.__file__ or "").parent.glob("*.py"))
MACROS = sorted(Path(include.__file__ or "").parent.rglob("*.sql"))
CALL = re.compile(rf"\.(?:{'|'.join(sorted(RDD_CALLS))})\b")


def rdd_calls(source: str) -> list[str]:
    return [
        f"{node.lineno}: .{node.attr}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and node.attr in RDD_CALLS
    ]


def test_the_check_finds_what_dbt_glue_1_12_sends() -> None:
    assert rdd_calls("rows = [json.loads(row) for row in df.toJSON().collect()]")
    assert rdd_calls("rows = df.rdd.map(f).collect()")


@pytest.mark.parametrize("path", RUNTIME, ids=lambda path: path.name)
def test_pain_09_no_rdd_calls_are_sent(path: Path) -> None:
    """What runs in the session is these files: DataFrames are collected, never RDDs."""
    assert rdd_calls(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", MACROS, ids=lambda path: path.stem)
def test_pain_09_no_rdd_calls_in_the_python_of_macros(path: Path) -> None:
    assert CALL.findall(path.read_text(encoding="utf-8")) == []

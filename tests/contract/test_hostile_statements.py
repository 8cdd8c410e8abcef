"""10,000 generated statements and literals through each transport, byte for byte.

DBT_GLUE_TEST_SEED takes another seed than the usual one; a failure tells the seed.
"""

import os
import random
import re
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from hostile_text import ALPHABET, CANARY, some_text, substituted

from dbt.adapters.glue.exceptions import StatementError
from dbt.adapters.glue.session.pool import SessionName, SessionPool
from dbt.adapters.glue.session.spec import SessionSpec
from dbt.adapters.glue.sql_text import literal, without_comments

pytestmark = pytest.mark.slow

SEED = int(os.environ.get("DBT_GLUE_TEST_SEED", "20261128"))
LITERALS, A_STATEMENT = 9700, 100
TEXTS = 300
THREADS = 16
INLINE_BYTES = 64 * 1024
LOCAL_ROLE = "arn:aws:iam::123456789012:role/LocalGlue"


@pytest.fixture(scope="module", params=["livy", "spark_connect"])
def transport(request: Any, glue_clients: Any, bucket: str) -> Iterator[Any]:
    spec = SessionSpec(
        role_arn=os.environ.get("DBT_GLUE_TEST_ROLE", LOCAL_ROLE),
        glue_version="5.1",
        workers=2,
        worker_type="G.1X",
        idle_timeout=5,
        session_type=request.param,
    )
    clients = SimpleNamespace(glue=glue_clients.glue, s3=glue_clients.s3)
    pool = SessionPool(
        clients,
        threads=THREADS,
        provisioning_timeout=180,
        results_location=f"s3://{bucket}/results",
        inline_bytes=INLINE_BYTES,
    )
    name = SessionName(f"dbt-glue__hostile_{request.param}__{uuid.uuid4().hex[:8]}", False)
    yield pool.transport(spec, name)
    pool.close()


@pytest.fixture
def source() -> random.Random:
    return random.Random(SEED)


def side_by_side(transport: Any, statements: list[str]) -> list[Any]:
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(transport.execute, statements))


def written(source: random.Random, text: str) -> str:
    """The text as a literal, in one of the ways in which people write one."""
    way = source.randrange(6)
    if way == 0 and not re.search(r"'|\$\{|\$$", text):
        return f"{source.choice('rR')}'{text}'"
    if way == 1 and not re.search(r'"|\$\{|\$$', text):
        return f'{source.choice("rR")}"{text}"'
    if way == 2:
        data = text.encode("utf-16-be")
        pairs = zip(data[::2], data[1::2], strict=True)
        return "'" + "".join(f"\\u{high:02x}{low:02X}" for high, low in pairs) + "'"
    if way == 3:
        inner = text.replace("\\", "\\\\").replace('"', '\\"').replace("${", "$\\{")
        return f'"{inner}"'
    if way == 4 and len(text) > 1:
        half = len(text) // 2
        return f"{literal(text[:half])} {literal(text[half:])}"
    return literal(text)


def comment(source: random.Random) -> str:
    """A comment that Spark takes for one."""
    text = some_text(source, 3).replace("${", "$ {")
    if source.random() < 0.5:
        line = re.sub(r"[\r\n]", " ", text)
        return f"--{line}{' ' if line.endswith(chr(92)) else ''}\n"
    text = re.sub(r"[/*]", "", text)
    return source.choice([f"/* {text} */", f"/* /* {text} */ {text} */", "/**/"])


def space(source: random.Random) -> str:
    return source.choice([" ", "\n", "\r\n", "\t", comment(source), f" {comment(source)} "])


def some_sql(source: random.Random, columns: int) -> str:
    """A query of literals, names and comments, in which Spark finds no variable."""
    parts = []
    for number in range(columns):
        name = re.sub(r"\$(?=\{|$)", "$ ", some_text(source, 3)).replace("`", "``")
        parts.append(f"{written(source, some_text(source))}{space(source)}as `{name} {number}`")
    return f"select{space(source)} " + f"{space(source)},{space(source)}".join(parts)


def test_literals_arrive(transport: Any, source: random.Random) -> None:
    batches, statements = [], []
    for _ in range(LITERALS // A_STATEMENT):
        texts = [some_text(source, 8) for _ in range(A_STATEMENT)]
        rows = (f"({i},{space(source)}{written(source, t)})" for i, t in enumerate(texts))
        sql = f"{comment(source)} select * from values {f',{space(source)}'.join(rows)} as t(n, c)"
        assert not substituted(sql)
        batches.append(texts)
        statements.append(sql)
    changed = []
    for texts, result in zip(batches, side_by_side(transport, statements), strict=True):
        found = [text for _, text in sorted(result.rows)]
        changed += [pair for pair in zip(texts, found, strict=True) if pair[0] != pair[1]]
    assert changed == [], f"seed {SEED}: {len(changed)} literals are not what was sent"


def test_statements_arrive(transport: Any, source: random.Random) -> None:
    """Spark explains the view that a text would make: there is the text as its parser had it."""
    texts = [some_sql(source, source.randint(1, 6)) for _ in range(TEXTS)]
    assert not [text for text in texts if substituted(text)]
    head = "explain extended create temporary view v as "
    results = side_by_side(transport, [f"{comment(source)}{head}{text}" for text in texts])
    changed = []
    for text, result in zip(texts, results, strict=True):
        ((plan,),) = result.rows
        if f"CreateViewCommand `v`, {text}, false, false, LocalTempView" not in plan:
            changed.append((text, plan[: len(text) + 200]))
    assert changed == [], f"seed {SEED}: {len(changed)} statements are not what was sent"


def test_pain_27_long_statements_and_results(transport: Any, source: random.Random) -> None:
    """Longer than a Glue statement may be, and than what comes back within its output.

    Of many literals: Spark takes seconds to read one of 70,000 characters.
    """
    texts = [some_text(source, 200) for _ in range(200)]
    rows = ", ".join(f"({number}, {literal(text)})" for number, text in enumerate(texts))
    sql = f"select n, repeat(c, 5) from values {rows} as t(n, c)"
    assert len(sql) > 68_000 and 5 * sum(map(len, texts)) > INLINE_BYTES
    found = [text for _, text in sorted(transport.execute(sql).rows)]
    assert found == [text * 5 for text in texts], f"seed {SEED}"


def test_names_of_columns_arrive(transport: Any) -> None:
    names = [name for name in dict.fromkeys(ALPHABET) if name and not substituted(name)]
    columns = ", ".join(f"1 as `{name.replace('`', '``')}`" for name in names)
    assert [column.name for column in transport.execute(f"select {columns}").columns] == names


def test_errors_quote_the_statement(transport: Any, source: random.Random) -> None:
    texts = [some_text(source).replace("\n", "").replace("\r", "") for _ in range(20)]
    for text in texts:
        sql = f"selec {literal(text)}"
        with pytest.raises(StatementError) as caught:
            transport.execute(sql)
        assert f"== SQL ==\n{sql}" in caught.value.message


def test_pain_27_bytes_that_are_no_text(transport: Any) -> None:
    shown = {
        "ff41": "\ufffdA",
        "eda080": "\ufffd",
        "f0909041": "\ufffdA",
        "c3c341": "\ufffd\ufffdA",
    }
    for hexadecimal, text in shown.items():
        value = f"cast(X'{hexadecimal}' as string)"
        sql = f"select {value} as a, array({value}) as b, map('k', {value}) as c"
        (row,) = transport.execute(f"{sql}, named_struct('f', {value}) as d").rows
        assert row == (text, [text], {"k": text}, {"f": text})


@pytest.mark.parametrize("within", ["/* a /* b */ c */", "-- it's\n", "(", "/* select */"])
def test_an_insert_runs_once(transport: Any, database: str, within: str) -> None:
    table, end = f"`{database}`.`t_{uuid.uuid4().hex[:8]}`", ")" if within == "(" else ""
    sql = f"/* q */ create table {table} using parquet as {within} select 1 as a{end}"
    transport.execute(sql)
    transport.execute(f"/* q */ insert into {table} {within} select 2 as a{end}")
    rows = transport.execute(f"/* q */ {within} select * from {table}{end} -- end").rows
    assert sorted(rows) == [(1,), (2,)] and without_comments("/* q */") == ""


def test_nothing_of_it_has_run(transport: Any) -> None:
    assert not os.path.exists(f"/tmp/{CANARY}") and CANARY not in os.environ
    get = f"java_method('java.lang.System', 'getProperty', '{CANARY}', 'none')"
    assert transport.execute(f"select {get} as a").rows == [("none",)]
    assert transport.execute(f"show tables like '{CANARY}'").rows == []
    assert transport.execute(f"show schemas like '{CANARY}'").rows == []
    assert transport.execute(f"set spark.{CANARY}").rows[0][1] == "<undefined>"

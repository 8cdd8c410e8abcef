"""What SQL has made in a session is made again in the next."""

from dbt.adapters.glue.exceptions import StatementError
from dbt.adapters.glue.session.state import SessionState, of_session


class Transport:
    session_id = "s"

    def __init__(self, refused=()):
        self.ran, self.refused = [], refused

    def execute(self, sql, *, fetch):
        assert fetch is False
        if sql in self.refused:
            raise StatementError("no such path")
        self.ran.append(sql)


def state(*statements):
    made = SessionState()
    for sql in statements:
        made.note(sql)
    return made


def test_what_later_statements_rely_on_is_kept_in_order():
    made = [
        "set spark.sql.ansi.enabled = true",
        "-- why\nuse s",
        "create or replace temporary view a as select 1 as x",
        "create global temporary view b as select * from a",
        "create temporary function f as 'com.example.F'",
        "add jar s3://b/x.jar",
        "declare variable v int default 1",
        "set var v = 2",
    ]
    assert (
        state(*made, "select 1", "insert into t select 1", "create view c as select 1").statements()
        == made
    )
    assert all(of_session(sql) for sql in made)
    assert not of_session("select 1") and not of_session("create or replace view v as select 1")


def test_what_has_ended_or_was_replaced_is_not_made_again():
    assert state(
        "set a.b = 1",
        "create temporary view `Gone` as select 1",
        "create or replace temp view v as select 1",
        "set A.b=2",
        "create or replace temp view v as select 2",
        "drop view if exists gone",
        "set c = 3",
        "reset c",
    ).statements() == ["set A.b=2", "create or replace temp view v as select 2"]
    assert state("set a = 1", "use s", "reset").statements() == ["use s"]


def test_what_cannot_be_made_again_is_told_once():
    made = state("set a = 1", "create temporary view v using json options (path 'gone')", "use s")
    told, transport = (
        [],
        Transport(refused=["create temporary view v using json options (path 'gone')"]),
    )
    made.make_again(transport, told.append)
    assert transport.ran == ["set a = 1", "use s"]
    assert (
        len(told) == 1 and "lacks: create temporary view v" in told[0] and "no such path" in told[0]
    )
    made.make_again(transport, told.append)
    assert len(told) == 1

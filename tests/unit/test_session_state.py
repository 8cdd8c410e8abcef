"""What SQL has made in a session is made again in the next."""

from types import SimpleNamespace

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


def test_a_setting_that_is_read_stays():
    kept = ["set spark.sql.ansi.enabled = true", "set time zone 'UTC'", "set `a b`=1", "set a:b=1"]
    assert state(*kept, "set spark.sql.ansi.enabled", "set", "SET -v").statements() == kept
    assert not of_session("set spark.sql.ansi.enabled")


def test_each_use_stays_in_order():
    assert state("use glue_catalog", "use mydb", "use mydb", "set catalog c").statements() == [
        "use glue_catalog",
        "use mydb",
        "set catalog c",
    ]


def test_a_temporary_view_ends_by_its_own_name_only():
    views = ["create temporary view stg as select 1", "create global temp view stg as select 2"]
    assert state(*views, "drop view if exists db.stg", "drop view `a.b`").statements() == views
    assert state(*views, "drop view stg").statements() == views[1:]
    assert state(*views, "drop view `global_temp`.Stg").statements() == views[:1]
    made = state(*views, "cache table c as select * from stg", "cache table t")
    assert made.views() == {
        "stg": views[0],
        "global_temp.stg": views[1],
        "c": "cache table c as select * from stg",
    }


def test_a_variable_ends_with_its_value():
    ended = state("declare v int", "set var v = 2", "drop temporary variable if exists v")
    assert ended.statements() == []
    assert state("declare v int", "set var v = 2", "declare or replace v int").statements() == [
        "declare or replace v int"
    ]


class Spark(Transport):
    """Makes a view only if the views are there that it reads."""

    reads = {"w": "v"}

    def execute(self, sql, *, fetch):
        name = sql.split(" view ")[1].split()[0] if " view " in sql else ""
        needed = self.reads.get(name, "")
        if needed and not any(f" view {needed} " in ran for ran in self.ran):
            raise StatementError("[TABLE_OR_VIEW_NOT_FOUND] no")
        super().execute(sql, fetch=fetch)


def test_a_view_that_was_made_again_is_there_for_those_that_read_it():
    v, w = "create or replace temp view v as select 1", "create or replace temp view w as from v"
    again = "create or replace temp view v as select 2"
    assert state(v, w, again).statements() == [v, w, again]
    assert state(v, again).statements() == [again]
    assert state(v, w, again, "drop view v").statements() == [w]
    told, transport = [], Spark(refused=[v])
    made = state(v, w, again)
    made.make_again(transport, told.append)
    assert told == [] and transport.ran == [again, w]
    assert made.statements() == [w, again]


def test_one_text_twice_is_forgotten_once():
    first, second = "use a", "use b"
    made = state(first, second, first)
    transport = Transport()
    transport.execute = lambda sql, *, fetch: (transport.ran.append(sql), None)[1]
    made.make_again(transport, lambda told: None)
    assert transport.ran == [first, second, first]


def test_what_is_there_still_is_no_loss():
    """The pool attaches again to a shared session that it had taken for lost."""
    made, told = state("create temporary view v as select 1"), []
    transport = SimpleNamespace(session_id="s", execute=None)

    def execute(sql, *, fetch):
        raise StatementError("[TEMP_TABLE_OR_VIEW_ALREADY_EXISTS] Cannot create the view `v`")

    transport.execute = execute
    made.make_again(transport, told.append)
    assert told == [] and len(made.statements()) == 1

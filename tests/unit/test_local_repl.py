"""The shell of a local session answers as Livy's does (facts/glue-api.md 2.3); no Spark here."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dbt.adapters.glue.local.repl import Shell

Run = Callable[[str], dict[str, Any]]


@pytest.fixture
def run() -> Iterator[Run]:
    main = sys.modules["__main__"]
    displayhook = sys.displayhook
    sys.displayhook = sys.__displayhook__  # not pytest's or an IDE's
    shell = Shell()

    def in_shell(code: str) -> dict[str, Any]:
        with (
            contextlib.redirect_stdout(shell.stdout),  # type: ignore[type-var]
            contextlib.redirect_stderr(shell.stderr),  # type: ignore[type-var]
        ):
            sys.modules["__main__"] = shell.module
            try:
                return shell.run(code)
            finally:
                sys.modules["__main__"] = main

    yield in_shell
    sys.displayhook = displayhook


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("1+1", "2"),
        ('"abc"', "'abc'"),
        ('1\n2\nprint("a")\n3', "a\n3"),
        ("for i in range(3):\n i", "0\n1\n2"),
        ("x=5", ""),
        ("None", ""),
        ("", ""),
        ("# nothing", ""),
        (r'print("hello\n\n  ")', "hello"),
        ("import sys\nprint('to-stderr', file=sys.stderr)\nprint('out')\n42", "out\n42\nto-stderr"),
        ("print('é \\U0001f600')", "é \U0001f600"),
    ],
)
def test_output(run: Run, code: str, text: str) -> None:
    assert run(code) == {"status": "ok", "text": text}


def test_names_last_from_one_statement_to_the_next(run: Run) -> None:
    run("def double(x):\n    return 2 * x")
    assert run("double(21)")["text"] == "42"
    assert run("_ + 1")["text"] == "43"


def test_exception_hides_the_frames_of_the_shell(run: Run) -> None:
    answer = run('raise ValueError("boom")')
    assert (answer["ename"], answer["evalue"]) == ("ValueError", "boom")
    assert answer["traceback"] == ["Traceback (most recent call last):\n", "ValueError: boom\n"]


def test_exception_in_a_function_shows_that_function(run: Run) -> None:
    run("def fail():\n    1 / 0")
    answer = run("fail()")
    assert answer["traceback"] == [
        "Traceback (most recent call last):\n",
        '  File "<stdin>", line 2, in fail\n',
        "ZeroDivisionError: division by zero\n",
    ]


def test_chained_exceptions_show_the_last_only(run: Run) -> None:
    answer = run("try:\n    1/0\nexcept Exception as e:\n    raise KeyError('k') from e")
    assert answer["ename"] == "KeyError"
    assert not any("ZeroDivisionError" in line for line in answer["traceback"])


def test_syntax_error(run: Run) -> None:
    answer = run("a=(")
    assert answer["ename"] == "SyntaxError"
    assert answer["evalue"] == "'(' was never closed (<stdin>, line 1)"
    assert not any("ast.py" in line for line in answer["traceback"])


def test_nothing_runs_when_a_later_line_does_not_parse(run: Run) -> None:
    run("seen = []")
    run("seen.append(1)\na=(")
    assert run("seen")["text"] == "[]"


def test_output_of_a_failed_statement_comes_with_the_next_good_one(run: Run) -> None:
    assert run('print("before"); 1/0')["status"] == "error"
    assert run("1/0")["status"] == "error"
    assert run('print("after")')["text"] == "before\nafter"
    assert run('print("clean")')["text"] == "clean"


def test_exit_is_an_error_and_the_shell_goes_on(run: Run) -> None:
    answer = run("import sys\nsys.exit(3)")
    assert (answer["status"], answer["ename"], answer["evalue"]) == ("error", "SystemExit", "3")
    assert run("1")["text"] == "1"


def test_thread_output_lands_in_the_statement_that_ends_next(run: Run) -> None:
    run("import threading\ngo, said = threading.Event(), threading.Event()")
    run("def late():\n    go.wait(5)\n    print('late')\n    said.set()")
    assert run("t = threading.Thread(target=late)\nt.start()")["text"] == ""
    assert run("assert go.set() is None and said.wait(5)\n'now'")["text"] == "late\n'now'"


def test_classes_of_statements_can_be_pickled(run: Run) -> None:
    run("class Point:\n    x = 1")
    assert run("import pickle\npickle.loads(pickle.dumps(Point())).x")["text"] == "1"

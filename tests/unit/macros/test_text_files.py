from .harness import FakeProject


def test_text_files_keep_what_spark_would_lose() -> None:
    given = {"multiLine": False, "sep": ";"}
    created = FakeProject(file_format="csv", write_options=given).run("table")[-1]
    assert (
        "using csv options ('ignoreleadingwhitespace' = 'false',"
        " 'ignoretrailingwhitespace' = 'false',"
        " 'timestampformat' = 'yyyy-MM-dd\\'T\\'HH:mm:ss[.SSSSSS][XXX]',"
        " 'timestampntzformat' = 'yyyy-MM-dd\\'T\\'HH:mm:ss[.SSSSSS]',"
        " 'multiLine' = 'false', 'sep' = ';')" in created
    )
    assert "options ('timestampformat'" in FakeProject(file_format="json").run("table")[-1]

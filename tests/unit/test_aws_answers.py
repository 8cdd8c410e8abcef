"""Answers that are not AWS's, or not whole, over real HTTP: an error, never an absence."""

import functools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from unit.failing_aws import HTML, PAGE, XML, FailingAws, answer, clients_of, error

from dbt.adapters.glue import clients as clients_module
from dbt.adapters.glue.catalog import DataCatalog
from dbt.adapters.glue.clients import GlueClients, call
from dbt.adapters.glue.exceptions import AccessDenied, CatalogError
from dbt.adapters.glue.known_catalog import KnownCatalog
from dbt.adapters.glue.retries import Budget
from dbt.adapters.glue.session.ticket import discard
from dbt.adapters.glue.storage import TableStorage

XHTML = b"<html><body>Sign in</body></html>"
TABLES = {"TableList": [{"Name": "orders"}]}
NOT_JSON = {
    "page": answer(PAGE, content_type=HTML),
    "page as XML": answer(XHTML),
    "cut": answer(json.dumps(TABLES).encode()[:-9]),
    "empty": answer(b""),
    "list": answer(b"[]"),
    "null": answer(b"null"),
    "text": answer(b'"ok"'),
    "no UTF-8": answer(b'{"TableList": "\xff\xfe"}'),
    "no list in it": answer(b"{}"),
    "another message": answer(b'{"message": "Forbidden"}'),
}
LISTING = (
    b'<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated><Contents>'
    b"<Key>w/s/t/a</Key></Contents></ListBucketResult>"
)
NOT_XML = {
    "page": answer(PAGE, content_type=HTML),
    "page as XML": answer(XHTML, content_type=XML),
    "cut": answer(LISTING[:-25], content_type=XML),
    "empty": answer(b"", content_type=XML),
    "JSON": answer(b"{}"),
}


@pytest.fixture(scope="module")
def one_aws() -> Iterator[FailingAws]:
    made = FailingAws()
    yield made
    made.close()


@pytest.fixture
def aws(one_aws: FailingAws) -> FailingAws:
    one_aws.answers, one_aws.requests = [], []
    return one_aws


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = functools.partial(Budget, sleep=lambda seconds: None)
    monkeypatch.setattr(clients_module, "Budget", quick)


@pytest.fixture(scope="module")
def clients(one_aws: FailingAws) -> GlueClients:
    return clients_of(one_aws.url, repeats=2)


@pytest.fixture
def catalog(clients: GlueClients) -> DataCatalog:
    return DataCatalog(clients)


@pytest.fixture
def storage(clients: GlueClients, catalog: DataCatalog) -> TableStorage:
    return TableStorage(clients, KnownCatalog(catalog), "s3://bucket/w")


READS: dict[str, Callable[[DataCatalog], Any]] = {
    "GetTables": lambda catalog: list(catalog.get_tables("s")),
    "GetTable": lambda catalog: catalog.get_table("s", "t"),
    "GetDatabases": lambda catalog: list(catalog.get_databases()),
    "GetDatabase": lambda catalog: catalog.get_database("s"),
    "GetPartitions": lambda catalog: list(catalog.get_partitions("s", "t")),
}
WHOLE = {
    "GetTables": b'{"TableList": []}',
    "GetTable": b'{"Table": {"Name": "t"}}',
    "GetDatabases": b'{"DatabaseList": []}',
    "GetDatabase": b'{"Database": {"Name": "s"}}',
    "GetPartitions": b'{"Partitions": []}',
}
WRITES: dict[str, Callable[[DataCatalog], Any]] = {
    "CreateTable": lambda catalog: catalog.create_table("s", {"Name": "t"}),
    "UpdateTable": lambda catalog: catalog.update_table("s", {"Name": "t"}),
    "DeleteTable": lambda catalog: catalog.delete_table("s", "t"),
    "CreateDatabase": lambda catalog: catalog.create_database("s"),
    "DeleteDatabase": lambda catalog: catalog.delete_database("s"),
    "BatchCreatePartition": lambda catalog: catalog.create_partitions("s", "t", [{"Values": []}]),
    "BatchUpdatePartition": lambda catalog: catalog.update_partitions("s", "t", [{"Values": []}]),
    "BatchDeletePartition": lambda catalog: catalog.delete_partitions("s", "t", [["1"]]),
}


class TestGlue:
    @pytest.mark.parametrize("operation", READS)
    @pytest.mark.parametrize("kind", NOT_JSON)
    def test_a_read_is_repeated(
        self, aws: FailingAws, catalog: DataCatalog, operation: str, kind: str
    ) -> None:
        aws.answers = [NOT_JSON[kind], answer(WHOLE[operation])]
        READS[operation](catalog)
        assert aws.requests == [operation] * 2

    @pytest.mark.parametrize("operation", READS)
    @pytest.mark.parametrize("kind", NOT_JSON)
    def test_a_read_without_an_answer_is_an_error(
        self, aws: FailingAws, catalog: DataCatalog, operation: str, kind: str
    ) -> None:
        aws.answers = [NOT_JSON[kind]]
        with pytest.raises(CatalogError, match=f"answer to {operation} cannot be read") as caught:
            READS[operation](catalog)
        assert caught.value.code == "UnreadableAnswer" and len(aws.requests) == 3
        assert "tried 3 times" in str(caught.value) and "HTTPS_PROXY" in str(caught.value)

    @pytest.mark.parametrize("operation", WRITES)
    @pytest.mark.parametrize("kind", ["page", "page as XML", "cut", "list", "null"])
    def test_a_write_has_not_been_done(
        self, aws: FailingAws, catalog: DataCatalog, operation: str, kind: str
    ) -> None:
        aws.answers = [NOT_JSON[kind]]
        with pytest.raises(CatalogError, match="outcome unknown") as caught:
            WRITES[operation](catalog)
        assert caught.value.code == "UnreadableAnswer" and caught.value.operation == operation

    @pytest.mark.parametrize("operation", WRITES)
    def test_a_write_without_members_may_be_answered_by_nothing(
        self, aws: FailingAws, catalog: DataCatalog, operation: str
    ) -> None:
        aws.answers = [answer(b"{}" if operation.startswith("Batch") else b"")]
        WRITES[operation](catalog)
        assert aws.requests == [operation]

    @pytest.mark.parametrize(
        "told",
        [
            answer(PAGE, 404, HTML),
            answer(b'{"__type":"EntityNotFoundExc', 400),
            answer(b"[]", 400),
            answer(b"\xff", 400),
            answer(PAGE, 503, HTML),
            answer(b"null", 503),
            answer(b"", 503),
        ],
    )
    def test_only_the_whole_word_of_aws_means_absent(
        self, aws: FailingAws, catalog: DataCatalog, told: bytes
    ) -> None:
        aws.answers = [told]
        for read in READS.values():
            with pytest.raises(CatalogError):
                read(catalog)
        with pytest.raises(CatalogError):
            catalog.delete_table("s", "t")
        aws.answers = [error("EntityNotFoundException")]
        assert catalog.get_table("s", "t") is None and not list(catalog.get_tables("s"))

    def test_an_error_that_was_cut_is_asked_for_again(
        self, aws: FailingAws, catalog: DataCatalog
    ) -> None:
        cut = answer(b'{"__type":"EntityNotFoundException","mess', 400)
        aws.answers = [cut, answer(WHOLE["GetTable"])]
        assert catalog.get_table("s", "t") is not None

    def test_the_last_page_is_not_taken_for_the_whole(
        self, aws: FailingAws, catalog: DataCatalog
    ) -> None:
        first = answer(b'{"TableList": [{"Name": "a"}], "NextToken": "2"}')
        aws.answers = [first, NOT_JSON["page"], answer(b'{"TableList": [{"Name": "b"}]}')]
        assert [table["Name"] for table in catalog.get_tables("s")] == ["a", "b"]
        aws.answers = [first, NOT_JSON["page"]]
        with pytest.raises(CatalogError):
            list(catalog.get_tables("s"))


class TestS3:
    @pytest.mark.parametrize("kind", NOT_XML)
    def test_no_listing_is_not_an_empty_one(
        self, aws: FailingAws, storage: TableStorage, kind: str
    ) -> None:
        aws.answers = [NOT_XML[kind]]
        with pytest.raises(CatalogError) as caught:
            storage.delete_data("s", "t", "s3://bucket/w/s/t")
        assert (caught.value.operation, caught.value.code) == ("ListObjectsV2", "UnreadableAnswer")
        assert len(aws.requests) == 3

    @pytest.mark.parametrize("kind", ["page", "page as XML", "cut"])
    def test_what_was_not_deleted_is_not_taken_for_deleted(
        self, aws: FailingAws, storage: TableStorage, kind: str
    ) -> None:
        aws.answers = [answer(LISTING, content_type=XML), NOT_XML[kind]]
        with pytest.raises(CatalogError) as caught:
            storage.delete_temporary("s3://bucket/w/_dbt_glue_tmp/1")
        assert (caught.value.operation, caught.value.unsure) == ("DeleteObjects", True)

    def test_keys_that_s3_could_not_delete_are_deleted_again(
        self, aws: FailingAws, storage: TableStorage
    ) -> None:
        failed = (
            b"<DeleteResult><Error><Key>w/s/t/a</Key><Code>InternalError</Code>"
            b"<Message>We encountered an internal error.</Message></Error></DeleteResult>"
        )
        listed, done = answer(LISTING, content_type=XML), answer(b"<DeleteResult/>")
        aws.answers = [listed, answer(failed, content_type=XML), done]
        assert storage.delete_temporary("s3://bucket/w/_dbt_glue_tmp/1") == 1
        assert [r.partition(" ")[0] for r in aws.requests] == ["GET", "POST", "POST"]
        aws.answers = [listed, answer(failed.replace(b"InternalError", b"AccessDenied"))]
        with pytest.raises(CatalogError, match="s3://bucket/w/s/t/a: We encountered"):
            storage.delete_temporary("s3://bucket/w/_dbt_glue_tmp/1")

    def test_a_page_is_not_the_object(self, aws: FailingAws, storage: TableStorage) -> None:
        aws.answers = [answer(PAGE, content_type=HTML), answer(b"rows", ETag='"1"')]
        assert storage.read("s3://bucket/w/k") == b"rows"
        aws.answers = [answer(PAGE, content_type=HTML)]
        with pytest.raises(CatalogError, match="GetObject cannot be read"):
            storage.read("s3://bucket/w/k")

    def test_half_an_object_is_read_again(self, aws: FailingAws, storage: TableStorage) -> None:
        whole = answer(b"rows of it", ETag='"1"')
        aws.answers = [whole[:-4], whole]
        assert storage.read("s3://bucket/w/k") == b"rows of it"
        aws.answers = [whole[:-4]]
        with pytest.raises(CatalogError, match="tried 3 times"):
            storage.read("s3://bucket/w/k")

    def test_a_page_is_not_a_write(self, aws: FailingAws, storage: TableStorage) -> None:
        for told in (answer(PAGE, content_type=HTML), answer(b"")):
            aws.answers = [told]
            with pytest.raises(CatalogError, match="PutObject cannot be read"):
                storage.put("s3://bucket/w/k", b"rows")
        aws.answers = [None, answer(b"", ETag='"1"')]
        storage.put("s3://bucket/w/k", b"rows")

    def test_a_page_is_not_a_deletion(self, aws: FailingAws, clients: GlueClients) -> None:
        aws.answers = [answer(PAGE, content_type=HTML)]
        with pytest.raises(CatalogError, match="DeleteObject cannot be read"):
            discard("s3://bucket/w/k", lambda: clients.s3)
        aws.answers = [answer(b"", 204)]
        discard("s3://bucket/w/k", lambda: clients.s3)


@pytest.mark.parametrize("kind", ["page", "page as XML", "cut", "empty"])
def test_who_we_are_is_not_read_out_of_a_page(
    aws: FailingAws, clients: GlueClients, kind: str
) -> None:
    aws.answers = [NOT_XML[kind]]
    with pytest.raises(CatalogError, match="GetCallerIdentity cannot be read"):
        call("GetCallerIdentity", clients.sts.get_caller_identity)


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
@pytest.mark.parametrize("told", [None, error("ThrottlingException"), answer(b"", 503)])
def test_botocore_repeats_nothing_by_itself(aws: FailingAws, mode: str, told: bytes | None) -> None:
    aws.answers = [told]
    clients = clients_of(aws.url, repeats=0, mode=mode)
    with pytest.raises(CatalogError):
        DataCatalog(clients).get_database("s")
    assert aws.requests == ["GetDatabase"]


def test_the_profile_says_how_often(aws: FailingAws) -> None:
    aws.answers = [error("ThrottlingException")]
    with pytest.raises(CatalogError, match="tried 5 times"):
        DataCatalog(clients_of(aws.url, repeats=4)).create_partitions("s", "t", [{"Values": []}])
    assert len(aws.requests) == 5


def test_the_header_retry_after_is_read(aws: FailingAws, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(clients_module, "Budget", functools.partial(Budget, sleep=slept.append))
    aws.answers = [error("ThrottlingException", Retry_After="9"), answer(WHOLE["GetTable"])]
    assert DataCatalog(clients_of(aws.url)).get_table("s", "t")
    assert slept == [9.0]


class TestLostAnswers:
    """The first attempt was done, and its answer was lost."""

    def test_a_table_that_is_as_asked_was_made_by_us(
        self, aws: FailingAws, catalog: DataCatalog
    ) -> None:
        asked = {"Name": "t", "Parameters": {"a": "1"}, "PartitionKeys": []}
        there = {"Name": "t", "Parameters": {"a": "1", "b": "2"}, "CreateTime": 1}
        aws.answers = [
            None,
            error("AlreadyExistsException"),
            answer(json.dumps({"Table": there}).encode()),
        ]
        catalog.create_table("s", asked)
        assert aws.requests == ["CreateTable", "CreateTable", "GetTable"]

    def test_a_table_of_another_is_not(self, aws: FailingAws, catalog: DataCatalog) -> None:
        other = {"Table": {"Name": "t", "Parameters": {"a": "2"}}}
        aws.answers = [
            None,
            error("AlreadyExistsException"),
            answer(json.dumps(other).encode()),
        ]
        with pytest.raises(CatalogError) as caught:
            catalog.create_table("s", {"Name": "t", "Parameters": {"a": "1"}})
        assert caught.value.code == "AlreadyExistsException"

    def test_a_table_that_was_there_before_is_an_error(
        self, aws: FailingAws, catalog: DataCatalog
    ) -> None:
        aws.answers = [error("AlreadyExistsException")]
        with pytest.raises(CatalogError):
            catalog.create_table("s", {"Name": "t"})
        assert aws.requests == ["CreateTable"]

    def test_partitions(self, aws: FailingAws, catalog: DataCatalog) -> None:
        failed = {
            "Errors": [
                {
                    "PartitionValues": ["2"],
                    "ErrorDetail": {"ErrorCode": "AlreadyExistsException", "ErrorMessage": "m"},
                }
            ]
        }
        told = answer(json.dumps(failed).encode())
        asked = [{"Values": [value]} for value in "123"]
        aws.answers = [None, told, answer(b"{}")]
        catalog.create_partitions("s", "t", asked)
        assert aws.requests == ["BatchCreatePartition"] * 2 + ["BatchUpdatePartition"]
        aws.answers = [told]
        with pytest.raises(CatalogError, match=r"Partition \['2'\] of s.t: m"):
            catalog.create_partitions("s", "t", asked)
        gone = told.replace(b"AlreadyExistsException", b"EntityNotFoundException")
        length = b"Content-Length: %d" % (len(json.dumps(failed)) + 1)
        gone = gone.replace(b"Content-Length: %d" % len(json.dumps(failed)), length)
        aws.answers = [None, gone]
        catalog.delete_partitions("s", "t", [["1"], ["2"]])

    def test_a_partition_that_failed_for_a_moment(
        self, aws: FailingAws, catalog: DataCatalog
    ) -> None:
        detail = {"ErrorCode": "InternalServiceException", "ErrorMessage": "m"}
        failed = {"Errors": [{"PartitionValues": ["2"], "ErrorDetail": detail}]}
        aws.answers = [answer(json.dumps(failed).encode()), answer(b"{}")]
        catalog.update_partitions("s", "t", [{"Values": ["2"]}])
        assert aws.requests == ["BatchUpdatePartition"] * 2

    def test_deletions(self, aws: FailingAws, catalog: DataCatalog) -> None:
        aws.answers = [None, error("EntityNotFoundException")]
        assert catalog.delete_table("s", "t")
        aws.answers = [None, error("EntityNotFoundException")]
        assert catalog.delete_database("s")
        aws.answers = [error("EntityNotFoundException")]
        assert not catalog.delete_table("s", "t")

    def test_a_database(self, aws: FailingAws, catalog: DataCatalog) -> None:
        aws.answers = [None, error("AlreadyExistsException")]
        assert catalog.create_database("s")
        aws.answers = [error("AlreadyExistsException")]
        assert not catalog.create_database("s")


def test_denied_is_denied(aws: FailingAws, catalog: DataCatalog) -> None:
    aws.answers = [error("AccessDeniedException")]
    for read in READS.values():
        with pytest.raises(AccessDenied):
            read(catalog)
    assert len(aws.requests) == len(READS)

"""A server of the S3 API over a folder, and short ways to ask it."""

import threading
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from werkzeug.serving import make_server

from dbt.adapters.glue.local.s3 import S3

MIB = 1024 * 1024


class Local:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.s3 = S3(folder)
        self.server = make_server("127.0.0.1", 0, self.s3, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def client(self, **config: Any) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="x",
            aws_secret_access_key="y",
            config=Config(retries={"total_max_attempts": 1}, **config),
        )

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        self.s3.close()


def code_of(function: Any, **kwargs: Any) -> str:
    with pytest.raises(ClientError) as caught:
        function(**kwargs)
    return caught.value.response["Error"]["Code"]


def keys_of(s3: Any, bucket: str, **kwargs: Any) -> list[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, **kwargs)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]

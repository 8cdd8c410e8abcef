"""The profile that the tests of `dbt-glue doctor` look at."""

from typing import Any

from dbt.adapters.glue.credentials import GlueCredentials

ROLE = "arn:aws:iam::123456789012:role/service/GlueRole"
USER = "arn:aws:iam::123456789012:user/ann"
PROFILE = {
    "role_arn": ROLE,
    "region": "eu-west-1",
    "schema": "Sales",
    "location": "s3://my-bucket/warehouse",
    "workers": 2,
    "worker_type": "G.1X",
    "glue_version": "5.1",
    "datalake_formats": "iceberg",
}


def credentials(**keys: Any) -> GlueCredentials:
    return GlueCredentials(**{**PROFILE, **keys})

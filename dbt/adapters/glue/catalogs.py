"""What catalogs.yml may name: table buckets of S3 Tables."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbt.adapters.catalogs import (
    CatalogIntegration,
    CatalogIntegrationConfig,
    CatalogWriteIntegrationConfig,
    InvalidCatalogIntegrationConfigError,
)
from dbt.adapters.contracts.relation import RelationConfig

from dbt.adapters.glue.table_buckets import EXPECTED, TableBucket


@dataclass
class GlueCatalogRelation:
    """How a node is stored, as dbt's macros read it; catalog_database is its Spark catalog."""

    catalog_type: str
    catalog_name: str | None
    catalog_database: str
    table_format: str | None = "iceberg"
    file_format: str | None = None
    external_volume: str | None = None


class S3TablesIntegration(CatalogIntegration):
    """`catalog_type: s3_tables`: one table bucket.

    The bucket is `table_bucket` of `adapter_properties`, or `catalog_database`, as dbt-athena has
    it. The Spark catalog has the name of the entry in catalogs.yml.
    """

    catalog_type = "s3_tables"
    table_format = "iceberg"
    allows_writes = True

    def __init__(self, config: CatalogIntegrationConfig) -> None:
        super().__init__(config)
        given = (config.adapter_properties or {}).get("table_bucket") or self.catalog_database
        if not given:
            raise InvalidCatalogIntegrationConfigError(
                config.name, f"adapter_properties: table_bucket: got nothing, expected {EXPECTED}"
            )
        if self.table_format != "iceberg":
            raise InvalidCatalogIntegrationConfigError(
                config.name, f"table_format: got {self.table_format}, expected iceberg"
            )
        self.table_bucket = str(given)

    def build_relation(self, config: RelationConfig) -> GlueCatalogRelation:
        return GlueCatalogRelation(self.catalog_type, self.name, self.name)


def catalogs_file(config: Any) -> Path | None:
    """The project's catalogs.yml, if it has one; config is dbt's RuntimeConfig."""
    root = getattr(config, "project_root", None)
    file = Path(root, "catalogs.yml") if root else None
    return file if file and file.is_file() else None


def of_project(config: Any) -> list[CatalogIntegrationConfig]:
    """The table buckets of the project's catalogs.yml.

    dbt-core 1.11 hands them over in some commands only: not in `docs generate`, `source freshness`,
    `show`, `clone`, `retry` and `run-operation`. The file's second format is dbt's alone to read.
    """
    if catalogs_file(config) is None:
        return []
    from dbt.config.catalogs import (
        get_active_write_integration,
        load_catalogs_yml,
        load_single_catalog,
    )
    from dbt.config.renderer import SecretRenderer

    raw = load_catalogs_yml(config.project_root, config.project_name).get("catalogs") or []
    if not all("write_integrations" in catalog for catalog in raw):
        return []
    renderer = SecretRenderer(config.cli_vars)
    found = [load_single_catalog(catalog, renderer) for catalog in raw]
    integrations = [get_active_write_integration(catalog) for catalog in found]
    kind = S3TablesIntegration.catalog_type
    return [each for each in integrations if each and each.catalog_type.casefold() == kind]


def of_profile(bucket: TableBucket) -> CatalogWriteIntegrationConfig:
    """A bucket of the profile as catalogs.yml would have it."""
    properties: dict[str, Any] = {"table_bucket": bucket.catalog_id}
    return CatalogWriteIntegrationConfig(
        bucket.catalog, S3TablesIntegration.catalog_type, adapter_properties=properties
    )

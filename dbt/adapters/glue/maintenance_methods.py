"""MaintenanceMethods: what macros ask for the upkeep of tables."""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from dbt.adapters.base import available
from dbt.adapters.events.logging import AdapterLogger
from dbt_common.exceptions import DbtDatabaseError, DbtRuntimeError
from dbt_common.utils.executor import executor

from dbt.adapters.glue import maintenance
from dbt.adapters.glue.clone_methods import CloneMethods
from dbt.adapters.glue.exceptions import ConfigurationError
from dbt.adapters.glue.model_config import in_table_bucket
from dbt.adapters.glue.relation import GlueRelation
from dbt.adapters.glue.services import glue_errors
from dbt.adapters.glue.table_format import table_format

logger = AdapterLogger("Glue")

# Iceberg's words where a table shares its files with another one, as a clone does.
SHARES_FILES = "GC is disabled"


class MaintenanceMethods(CloneMethods):
    def check_maintenance(self, config: Mapping[str, Any]) -> None:
        """Raises ConfigurationError for a node's `maintenance` that its format cannot do."""
        if wanted := config.get("maintenance"):
            if in_table_bucket(config, self.credentials):
                raise ConfigurationError(
                    "maintenance: got it for a table in a table bucket, which S3 itself maintains",
                    hint="Remove `maintenance` from the model.",
                )
            seeds = self.credentials.seed_format if config.get("materialized") == "seed" else None
            maintenance.check(table_format(config.get("file_format") or seeds).name, wanted)

    @available.parse_none
    def maintain_after_run(self, relation: GlueRelation, wanted: Mapping[str, Any]) -> None:
        """What the config `maintenance` asks for after each run of the model."""
        if maintenance.follows_each_run(wanted):
            self.maintain(relation, wanted)

    @available.parse_none
    @glue_errors
    def maintain(
        self, relation: GlueRelation, wanted: Mapping[str, Any], dry_run: bool = False
    ) -> None:
        """Runs the operations of a config `maintenance` on a table, and says what each did.

        dry_run: the SQL is told, and not run.
        """
        table = maintenance.Table(relation.render(), relation.render_bare())
        wanted_sql = maintenance.statements(relation.table_format or "", wanted, table)
        self._run_maintenance(relation, wanted_sql, dry_run)

    @available.parse_none
    @glue_errors
    def maintain_all(
        self,
        nodes: Mapping[str, Any],
        select: str | list[str] | None = None,
        relation: str | None = None,
        wanted: Mapping[str, Any] | None = None,
        dry_run: bool = False,
    ) -> None:
        """`maintain` for the tables that are chosen, as many at a time as dbt has threads.

        nodes: dbt's graph.nodes. The rest is what `maintenance.chosen` takes. All tables are seen
        to; those that failed are an error after that.
        """
        tasks = maintenance.chosen(nodes.values(), select, relation, wanted)
        with executor(self.config) as threads:
            started = {
                threads.submit_connected(self, task.name, self._maintain, task, dry_run): task
                for task in tasks
            }
            try:
                errors = {task.name: future.exception() for future, task in started.items()}
            except KeyboardInterrupt:
                for future in started:
                    future.cancel()
                self.cancel_open_connections()
                raise
        failed = [f"{name}: {error}" for name, error in errors.items() if error is not None]
        if failed:
            raise DbtRuntimeError(
                f"{len(failed)} of {len(tasks)} tables were not maintained:\n" + "\n".join(failed)
            )
        logger.info(f"{len(tasks)} tables were seen to")

    @available.parse_none
    @glue_errors
    def iceberg_expire_snapshots(self, relation: GlueRelation) -> None:
        """Expires every snapshot of an Iceberg table but the last one."""
        tomorrow = datetime.now(timezone.utc) + timedelta(days=1)  # whatever the session's clock is
        wanted = {"expire_snapshots": {"older_than": tomorrow.isoformat(), "retain_last": 1}}
        table = maintenance.Table(relation.render(), relation.render_bare())
        self._run_maintenance(relation, maintenance.statements("iceberg", wanted, table))

    def _run_maintenance(
        self, relation: GlueRelation, statements: list[tuple[str, str]], dry_run: bool = False
    ) -> None:
        for operation, sql in statements:
            outcome = sql if dry_run else self._outcome(sql)
            logger.info(f"{relation.schema}.{relation.identifier}: {operation}: {outcome}")
        if relation.is_hudi and not dry_run:
            # Hudi's procedures leave in the session's cache the files that they have replaced
            self.execute(f"refresh table {relation}")

    def _outcome(self, sql: str) -> str:
        try:
            _, answer = self.execute(sql, fetch=True)
        except DbtDatabaseError as error:
            if SHARES_FILES not in str(error):
                raise
            return "left out: a clone has files of the table that it was cloned from (gc.enabled)"
        return maintenance.told(answer.column_names, answer.rows)

    def _maintain(self, task: maintenance.Task, dry_run: bool) -> None:
        relation = self.get_relation(task.database, task.schema, task.identifier)
        if isinstance(relation, GlueRelation) and relation.database:
            logger.info(f"{task.name}: left out, since S3 maintains what is in {relation.database}")
        elif isinstance(relation, GlueRelation) and relation.is_table:
            self.maintain(relation, task.wanted, dry_run)
        elif task.named and relation is None:
            raise DbtRuntimeError("relation: got a name that is not in the catalog. Correct it.")
        else:
            what = "a view" if relation else "not in the catalog"
            logger.info(f"{task.name}: left out, since it is {what}")

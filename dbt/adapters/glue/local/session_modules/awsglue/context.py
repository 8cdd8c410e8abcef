"""GlueContext, as far as a plain Spark session can serve it."""

from typing import Any

from pyspark.sql import SparkSession, SQLContext


class GlueContext(SQLContext):
    """Spark's SQLContext; what AWS adds to it (DynamicFrames from the catalog) is not here."""

    def __init__(self, sparkContext: Any, **options: Any) -> None:  # noqa: N803
        super().__init__(sparkContext, SparkSession.builder.getOrCreate())

    @property
    def spark_session(self) -> SparkSession:
        return self.sparkSession

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"local Glue's GlueContext has no {name}: use spark.table or spark.read"
        )

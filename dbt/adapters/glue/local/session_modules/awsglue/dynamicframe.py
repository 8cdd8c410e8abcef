"""DynamicFrame as a holder of a DataFrame."""

from typing import Any

from pyspark.sql import DataFrame


class DynamicFrame:
    """`fromDF` and `toDF` only; transforms are AWS's own code and raise AttributeError."""

    def __init__(self, frame: DataFrame, glue_ctx: Any, name: str = "") -> None:
        self._frame, self.glue_ctx, self.name = frame, glue_ctx, name

    @classmethod
    def fromDF(cls, dataframe: DataFrame, glue_ctx: Any, name: str) -> "DynamicFrame":  # noqa: N802
        return cls(dataframe, glue_ctx, name)

    def toDF(self) -> DataFrame:  # noqa: N802
        return self._frame

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"local Glue's DynamicFrame has no {name}: use toDF() and Spark")

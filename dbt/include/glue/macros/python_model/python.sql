{#-- A Python model's frame becomes a view of the session, which SQL then writes from. The name of that
     view; none for a model in SQL. --#}
{% macro glue__python_view(target_relation) -%}
  {{ return(make_temp_relation(target_relation) if model.language == 'python' else none) }}
{%- endmacro %}


{#-- The view, or a staging table of its rows, where they are read from the table that they are to
     replace: that goes first, and Spark computes a frame when it is written. --#}
{% macro glue__python_rows(view, target_relation, replaced) -%}
  {%- if view is none or replaced is none or not replaced.is_table or replaced.is_iceberg
      or not glue__reads_itself(target_relation, '') -%}
    {{ return(view) }}
  {%- endif -%}
  {%- set table = glue__write_staging_table(target_relation, 'select * from ' ~ view) -%}
  {%- do adapter.drop_relation(view) -%}
  {{ return(table) }}
{%- endmacro %}


{#-- The query of the model, whatever its language; `rows` is glue__python_rows. --#}
{% macro glue__query_of_model(sql, rows) -%}
  {%- set query = adapter.substituted(sql, config.get('substitute_variables')) if rows is none
      else 'select * from ' ~ rows -%}
  {{ return(glue__model_query(adapter.as_subquery(query))) }}
{%- endmacro %}


{#-- `main` is the Python of a Python model: its SQL goes by another name. --#}
{% macro glue__write_statement() -%}
  {{ return('write_rows' if model.language == 'python' else 'main') }}
{%- endmacro %}


{#-- Where SQL has another Spark session than Python, that one must forget the table as it was. --#}
{% macro glue__end_python_model(rows, target_relation) -%}
  {%- if rows is not none -%}
    {%- do adapter.drop_relation(rows) -%}
    {%- if adapter.leave_python_session() -%}
      {{ glue_exec_query('refresh table ' ~ target_relation) }}
    {%- endif -%}
  {%- endif -%}
{%- endmacro %}


{#-- Whether the query reads the table that it is to write. Python is not looked through: a model
     that names its table, or `dbt.this`, is taken to read it. --#}
{% macro glue__reads_itself(relation, sql) -%}
  {%- if model.language == 'python' -%}
    {{ return('.this' in model.raw_code or relation.identifier | lower in model.raw_code | lower) }}
  {%- endif -%}
  {{ return(adapter.names_relation(sql, relation)) }}
{%- endmacro %}


{#-- The model's code with what runs it: the frame becomes a temporary view. --#}
{% macro glue__py_write_table(compiled_code, view) -%}
{{ compiled_code }}

# --- Added by dbt-glue: runs the model and keeps its frame as a view, which SQL then writes. ---


class DbtThis(str):
    """The model's own name, as text for spark.table(), and its parts."""

    database, schema, identifier = this.database, this.schema, this.identifier


class DbtFlag(int):
    """True or False; models of dbt-glue 1.12 call it."""

    def __call__(self):
        return bool(self)


{{ glue__py_spark_frame() }}


dbt = dbtObj(spark.table)
dbt.this = DbtThis(repr(dbt.this))
dbt.is_incremental = DbtFlag(dbt.is_incremental)
df = spark_frame(model(dbt, spark))
df.createOrReplaceTempView({{ view.render() | tojson }})
{%- endmacro %}


{#-- The Python that makes a Spark frame of whatever frame a model returns. --#}
{% macro glue__py_spark_frame() -%}
def spark_frame(frame):
    import sys

    def has_made(module):
        return isinstance(frame, getattr(sys.modules.get(module), "DataFrame", ()))

    if type(frame).__name__ == "DynamicFrame":
        return frame.toDF()
    if has_made("pandas"):
        # pandas on Spark knows best how to convert: nulls of every kind, categories, empty frames.
        import pyspark.pandas

        frame = pyspark.pandas.from_pandas(frame)
    if has_made("pyspark.pandas"):
        return frame.to_spark()
    if not hasattr(frame, "createOrReplaceTempView"):
        raise TypeError(
            f"model() returned {type(frame).__module__}.{type(frame).__qualname__}, "
            "expected a DataFrame of Spark, pandas or pandas on Spark"
        )
    return frame
{%- endmacro %}

{#-- Delta refuses another place than the table has, which may be that of a build. --#}
{% macro glue__get_replace_table_sql(relation, sql) -%}
  {%- set rows = glue__with_comments(relation, sql) -%}
  {%- set place = adapter.recorded_location(relation) if glue__model_format().replaced_in_place else none -%}
  {{ glue__create_clauses('create or replace table', glue__formatted(relation), location=place) }}
  as
  {{ glue__in_order(rows) }}
{%- endmacro %}


{% macro glue__replace_table(target_relation, sql, statement_name='main') -%}
  {%- if glue__model_format().name == 'delta' and not glue__delta_replaces_as_select() -%}
    {{ glue__replace_delta(target_relation, sql, statement_name) }}
  {%- else -%}
    {%- call statement(statement_name) -%}
      {{ get_replace_table_sql(target_relation, sql) }}
    {%- endcall -%}
  {%- endif -%}
{%- endmacro %}


{#-- Delta 3.3 cannot CREATE OR REPLACE TABLE AS SELECT on Spark 3.5.6 and later (delta issue 4671:
     "does not support truncate in batch mode"). Its DataFrame writer replaces columns and rows in
     one commit there; SQL has no word for that. --#}
{% macro glue__replace_delta(target_relation, sql, statement_name='main') -%}
  {%- if config.get('clustered_by') -%}
    {%- do exceptions.raise_compiler_error(
      'clustered_by: got ' ~ config.get('clustered_by') ~ ' for file_format delta, which has no '
      ~ 'buckets. Remove clustered_by and buckets.'
    ) -%}
  {%- endif -%}
  {%- do adapter.replace_delta(
    target_relation, glue__py_replace_delta(), sql,
    partition_by=glue__partition_names(), options=glue__write_options(),
    properties=glue__table_properties(), comment=glue__comment(),
    column_comments=glue__persisted_descriptions()
  ) -%}
  {%- call noop_statement(statement_name, 'OK', 'OK') -%}
    {{ sql }}
  {%- endcall -%}
{%- endmacro %}


{#-- The write goes by path, since only so it takes partitions; a change by name has the Data Catalog
     hear of new columns. Properties that the config no longer has stay. --#}
{% macro glue__py_replace_delta() -%}
def replace_delta(wanted):
    def commented(rows, field):
        column = rows["`" + field.name.replace("`", "``") + "`"]
        said = wanted["column_comments"].get(field.name.lower())
        if said is None:
            return column
        return column.alias(field.name, metadata={**field.metadata, "comment": said})

    table, rows = wanted["table"], spark.sql(wanted["query"])
    before = spark.sql("describe detail " + table).first()
    if wanted["column_comments"]:
        rows = rows.select(*(commented(rows, field) for field in rows.schema))
    shape = spark.table(table).schema.simpleString(), ",".join(before["partitionColumns"])
    writer = rows.write.format("delta").mode("overwrite").options(**wanted["options"])
    writer = writer.option("overwriteSchema", "true").option("partitionOverwriteMode", "static")
    writer.partitionBy(*wanted["partition_by"]).save(before["location"])

    def text(value):
        import re

        def escaped(found):
            data = found[0].encode("utf-16-be")
            return "".join("\\u%02x%02x" % pair for pair in zip(data[::2], data[1::2]))

        return "'" + re.sub("[^A-Za-z0-9]+", escaped, value) + "'"

    known = before["properties"]
    changed = [(k, v) for k, v in wanted["properties"].items() if known.get(k) != v]
    if changed:
        pairs = ", ".join(text(k) + " = " + text(v) for k, v in changed)
        spark.sql("alter table " + table + " set tblproperties (" + pairs + ")")
    comment = before["description"] if wanted["comment"] is None else wanted["comment"]
    is_new = (rows.schema.simpleString(), ",".join(wanted["partition_by"])) != shape
    if comment != before["description"] or (is_new and not changed):
        spark.sql("comment on table " + table + " is " + text(comment or ""))


replace_delta(__import__("json").loads(wanted))
{%- endmacro %}


{% macro glue__delta_replaces_as_select() -%}
  {%- set numbers = modules.re.findall('\\d+', adapter.spark_version())[:3] | map('int') | list -%}
  {{ return(numbers < [3, 5, 6] or numbers >= [4, 0, 0]) }}
{%- endmacro %}

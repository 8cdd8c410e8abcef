{% macro glue__get_replace_table_sql(relation, sql) -%}
  {{ glue__create_clauses('create or replace table', glue__formatted(relation)) }}
  as
  {{ sql }}
{%- endmacro %}


{#-- Delta 3.3 cannot CREATE OR REPLACE TABLE AS SELECT on Spark 3.5.6 and later (delta issue 4671:
     "does not support truncate in batch mode"). There the schema is replaced first and the rows
     follow in a second commit; the older rows stay in Delta's history. --#}
{% macro glue__replace_delta(target_relation, sql, statement_name='main') -%}
  {%- if glue__delta_replaces_as_select() -%}
    {%- call statement(statement_name) -%}
      {{ get_replace_table_sql(target_relation, sql) }}
    {%- endcall -%}
  {%- else -%}
    {%- set view = glue__stage_view(target_relation, sql) -%}
    {%- set columns = adapter.get_columns_in_relation(view) -%}
    {{ glue__refuse_to_read_itself(
      target_relation, sql, "Use materialized='incremental', or Spark below 3.5.6 (glue_version 5.0)."
    ) }}
    {%- call statement('replace_schema') -%}
      {{ glue__create_clauses('create or replace table', target_relation, columns) }}
    {%- endcall -%}
    {%- call statement(statement_name) -%}
      {{ glue__insert_sql('insert into', target_relation, view, columns, columns) }}
    {%- endcall -%}
    {%- do adapter.drop_relation(view) -%}
  {%- endif -%}
{%- endmacro %}


{% macro glue__delta_replaces_as_select() -%}
  {%- set numbers = modules.re.findall('\\d+', adapter.spark_version())[:3] | map('int') | list -%}
  {{ return(numbers < [3, 5, 6] or numbers >= [4, 0, 0]) }}
{%- endmacro %}

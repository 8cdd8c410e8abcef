{#-- A view of the session, with a name of its own; it goes with the node. --#}
{% macro glue__make_temp_relation(base_relation, suffix) -%}
  {%- set identifier = adapter.temp_identifier(base_relation.identifier) -%}
  {%- set view = glue__session_view(base_relation.incorporate(path={'identifier': identifier})) -%}
  {%- do adapter.remember_view(view) -%}
  {{ return(view) }}
{%- endmacro %}


{#-- A table for what has to be written before it is read, in `temp_schema` if the profile has it. --#}
{% macro glue__make_staging_table(base_relation) -%}
  {%- set identifier = adapter.temp_identifier(base_relation.identifier) -%}
  {%- set table = api.Relation.create(
      schema=target.get('temp_schema') or base_relation.schema,
      identifier=identifier,
      type='table',
      table_format='parquet',
  ) -%}
  {%- do adapter.remember_temporary(table) -%}
  {{ return(table) }}
{%- endmacro %}


{#-- Relations know their catalog by themselves; this name is kept for projects that call it. --#}
{% macro glue__make_target_relation(relation, file_format) -%}
  {{ return(relation.incorporate(table_format=adapter.table_format(file_format).name)) }}
{%- endmacro %}


{% macro glue__truncate_relation(relation) -%}
  {%- set format = adapter.table_format(relation.table_format) -%}
  {%- if format.update_delete -%}
    {{ glue_exec_query('delete from ' ~ relation) }}
  {%- else -%}
    {#-- Spark refuses TRUNCATE on a table that has a LOCATION. --#}
    {%- do adapter.delete_table_data(
      relation, adapter.recorded_location(relation), glue__custom_location(), required=True
    ) -%}
    {{ glue_exec_query('refresh table ' ~ relation) }}
  {%- endif -%}
{%- endmacro %}

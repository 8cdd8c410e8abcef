{#-- Writes the rows to a folder of their own, and then has the catalog name it in one change. --#}
{% macro glue__rebuild_aside(existing_relation, target_relation, sql, statement_name='main') -%}
  {%- set custom_location = glue__custom_location() -%}
  {%- do adapter.refuse_to_share(
    existing_relation, adapter.get_location(target_relation, custom_location, as_clause=False)
  ) -%}
  {%- set moves = glue__can_be_moved(existing_relation, target_relation, sql) -%}
  {%- set build = adapter.begin_build(target_relation, custom_location) -%}
  {%- if moves -%}
    {{ glue__write_and_move(build, existing_relation, sql, statement_name) }}
  {%- else -%}
    {%- set rows = glue__with_comments(target_relation, sql) if glue__writes_iceberg() else sql -%}
    {%- set names = glue__names_for_partitions(rows) -%}
    {%- call statement(statement_name) -%}
      {{ glue__create_clauses('create table', build, names=names, location=adapter.build_location(build)) }}
      as
      {{ glue__in_order(rows) }}
    {%- endcall -%}
    {{ glue__put_in_place(build, existing_relation, target_relation) }}
  {%- endif -%}
{%- endmacro %}


{#-- Whether nothing but the rows is new: then Spark itself can point the table to them, and the Glue
     API is not asked. --#}
{% macro glue__can_be_moved(existing_relation, target_relation, sql) -%}
  {%- if existing_relation.is_view or config.get('partition_by') or config.get('clustered_by')
      or not adapter.is_defined_so(
        existing_relation, target_relation, glue__custom_location(), target_relation.table_format,
        properties=glue__table_properties(), options=glue__write_options(), comment=glue__comment()
      ) -%}
    {{ return(false) }}
  {%- endif -%}
  {%- set columns = get_column_schema_from_query(sql) -%}
  {{ glue__refuse_columns(target_relation, columns) }}
  {{ return(adapter.has_columns(existing_relation, columns)) }}
{%- endmacro %}


{% macro glue__write_and_move(build, existing_relation, sql, statement_name) -%}
  {%- set old = adapter.recorded_location(existing_relation) -%}
  {%- set place = glue__literal(adapter.build_location(build)) -%}
  {%- call statement(statement_name) -%}
    insert overwrite directory {{ place }} {{ file_format_clause() }} {{ options_clause() }}
    {{ sql }}
  {%- endcall -%}
  {{ glue_exec_query('alter table ' ~ existing_relation ~ ' set location ' ~ place) }}
  {%- do adapter.moved(build, existing_relation, glue__custom_location(), old) -%}
{%- endmacro %}


{#-- Spark keeps what it has read of the catalog until it is told. --#}
{% macro glue__put_in_place(build, existing_relation, target_relation) -%}
  {%- do adapter.put_in_place(build, existing_relation, glue__custom_location()) -%}
  {{ glue_exec_query('refresh table ' ~ target_relation) }}
{%- endmacro %}

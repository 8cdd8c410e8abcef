{% materialization incremental, adapter='glue', supported_languages=['sql', 'python'] -%}
  {%- set existing_relation = load_cached_relation(this) -%}
  {%- set target_relation = glue__target_table() -%}
  {%- set strategy = glue__incremental_strategy() -%}
  {%- set on_schema_change = incremental_validate_on_schema_change(config.get('on_schema_change'), default='ignore') -%}
  {%- set rebuild = not glue__is_incremental_target(existing_relation) or should_full_refresh() -%}
  {%- do adapter.use_python_session(model) -%}

  {{ run_hooks(pre_hooks) }}
  {{ glue__run_sql_header() }}

  {%- set view = glue__python_view(target_relation) -%}
  {%- if view is not none -%}
    {%- call statement('main', language='python') -%}
      {{ glue__py_write_table(model.compiled_code, view) }}
    {%- endcall -%}
  {%- endif -%}
  {%- set rows = glue__python_rows(view, target_relation, existing_relation if rebuild else none) -%}
  {%- set model_sql = glue__query_of_model(sql, rows) -%}
  {%- if rebuild -%}
    {{ glue__build_table(existing_relation, target_relation, model_sql, glue__write_statement()) }}
  {%- else -%}
    {%- set target_relation = existing_relation -%}
    {%- set increment = glue__stage_increment(target_relation, strategy, model_sql) -%}
    {%- set source_columns = process_schema_changes(on_schema_change, increment, existing_relation) -%}
    {%- set target_columns = none if source_columns else adapter.get_columns_in_relation(target_relation) -%}
    {%- set build_sql = adapter.get_incremental_strategy_macro(context, strategy)({
      'target_relation': target_relation,
      'temp_relation': increment,
      'unique_key': config.get('unique_key'),
      'dest_columns': source_columns or target_columns,
      'target_columns': target_columns,
      'incremental_predicates': config.get('predicates') or config.get('incremental_predicates'),
    }) -%}
    {%- call statement(glue__write_statement()) -%}
      {{ build_sql }}
    {%- endcall -%}
    {%- do adapter.drop_relation(increment) -%}
    {%- if target_relation.is_iceberg and glue__is_true(config.get('iceberg_expire_snapshots')) -%}
      {%- do adapter.iceberg_expire_snapshots(target_relation) -%}
    {%- endif -%}
  {%- endif -%}

  {{ glue__finish(target_relation, existing_relation, for_relation=not rebuild) }}
  {{ run_hooks(post_hooks) }}
  {{ glue__end_python_model(rows, target_relation) }}

  {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}


{#-- Spark cannot overwrite a plain file table that the query reads: there the increment is written
     to a table first. Where partitions are replaced, and in the table formats, a view will do. --#}
{% macro glue__stage_increment(target_relation, strategy, sql) -%}
  {%- if not (glue__reads_itself(target_relation, sql) and strategy == 'insert_overwrite'
      and not adapter.table_format(target_relation.table_format).merge
      and not config.get('partition_by')) -%}
    {{ return(glue__stage_view(target_relation, sql)) }}
  {%- endif -%}
  {{ return(glue__write_staging_table(target_relation, sql)) }}
{%- endmacro %}


{% macro glue__write_staging_table(target_relation, sql) -%}
  {%- set table = glue__make_staging_table(target_relation) -%}
  {%- call statement('create_staging_table') -%}
    create table {{ table }} using parquet {{ adapter.get_location(table) }} as
    {{ sql }}
  {%- endcall -%}
  {{ return(table) }}
{%- endmacro %}


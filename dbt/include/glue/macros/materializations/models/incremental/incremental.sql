{% materialization incremental, adapter='glue', supported_languages=['sql', 'python'] -%}
  {%- set existing_relation = load_cached_relation(this) -%}
  {%- set target_relation = glue__target_table() -%}
  {%- set strategy = glue__incremental_strategy() -%}
  {%- set on_schema_change = incremental_validate_on_schema_change(config.get('on_schema_change'), default='ignore') -%}
  {%- set rebuild = not glue__is_incremental_target(existing_relation) or should_full_refresh() -%}
  {%- do adapter.use_python_session(model) -%}

  {{ glue__run_pre_hooks() }}
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
    {{ glue__write_increment(target_relation, strategy, on_schema_change, model_sql) }}
    {%- if target_relation.is_iceberg and glue__is_true(config.get('iceberg_expire_snapshots')) -%}
      {%- do adapter.iceberg_expire_snapshots(target_relation) -%}
    {%- endif -%}
  {%- endif -%}

  {{ glue__finish(target_relation, for_relation=not rebuild) }}
  {{ glue__run_post_hooks() }}
  {{ glue__end_python_model(rows, target_relation) }}

  {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}


{#-- One statement, where the columns are those of the table: the strategy's SQL holds the query. --#}
{% macro glue__write_increment(target_relation, strategy, on_schema_change, sql) -%}
  {%- set increment = glue__increment(target_relation, strategy, sql) -%}
  {%- set columns = glue__increment_columns(on_schema_change, increment, target_relation) -%}
  {%- set build_sql = adapter.get_incremental_strategy_macro(context, strategy)({
    'target_relation': target_relation,
    'temp_relation': columns.increment,
    'unique_key': config.get('unique_key'),
    'dest_columns': columns.written,
    'target_columns': columns.target,
    'incremental_predicates': adapter.incremental_predicates(model.config),
  }) -%}
  {{ glue__run_increment(build_sql, columns.increment, glue__keys() if strategy == 'merge' else []) }}
  {%- if not increment.query -%}
    {%- do adapter.drop_relation(increment) -%}
  {%- endif -%}
{%- endmacro %}


{#-- What the increment is read from: the query itself; a view of it for a strategy of the project,
     which may name it more than once. Spark cannot overwrite a plain file table that the query
     reads: there it is written to a table first, unless partitions are replaced. --#}
{% macro glue__increment(target_relation, strategy, sql) -%}
  {%- if glue__reads_itself(target_relation, sql) and strategy == 'insert_overwrite'
      and not adapter.table_format(target_relation.table_format).merge
      and not config.get('partition_by') -%}
    {{ return(glue__write_staging_table(target_relation, sql)) }}
  {%- elif adapter.knows_strategy(strategy) -%}
    {{ return(adapter.query_relation(adapter.temp_identifier(target_relation.identifier), sql)) }}
  {%- endif -%}
  {{ return(glue__stage_view(target_relation, sql)) }}
{%- endmacro %}


{% macro glue__write_staging_table(target_relation, sql) -%}
  {%- set table = glue__make_staging_table(target_relation) -%}
  {%- call statement('create_staging_table') -%}
    create table {{ table }} using parquet {{ adapter.get_location(table) }} as
    {{ sql }}
  {%- endcall -%}
  {{ return(table) }}
{%- endmacro %}


{#-- As core's `statement`, but a failure is explained where the rows of the increment are its cause. --#}
{% macro glue__run_increment(sql, increment, keys) -%}
  {%- set name = glue__write_statement() -%}
  {%- if name == 'main' -%}
    {{ write(sql) }}
  {%- endif -%}
  {%- set response, table = adapter.write_increment(sql, increment, keys) -%}
  {%- do store_result(name, response=response, agate_table=table) -%}
{%- endmacro %}


{#-- The columns of unique_key in backticks. --#}
{% macro glue__keys() -%}
  {%- set names = [] -%}
  {%- for key in glue__as_list(config.get('unique_key')) -%}
    {%- do names.append(glue__quote_column(key)) -%}
  {%- endfor -%}
  {{ return(names) }}
{%- endmacro %}

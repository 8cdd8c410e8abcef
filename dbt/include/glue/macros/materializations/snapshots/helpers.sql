{% macro glue__validate_snapshot(existing_relation) -%}
  {%- set format = glue__model_format() -%}
  {%- if not format.snapshot -%}
    {%- do exceptions.raise_compiler_error(
      'file_format: got ' ~ format.name ~ ' for a snapshot, expected iceberg, delta, hudi or s3tables: '
      'a snapshot updates rows'
    ) -%}
  {%- endif -%}
  {%- if existing_relation is not none and not existing_relation.is_table -%}
    {%- do exceptions.relation_wrong_type(existing_relation, 'table') -%}
  {%- endif -%}
  {%- if existing_relation is not none and existing_relation.table_format != format.name -%}
    {%- do exceptions.raise_compiler_error(
      existing_relation ~ ' is a table in ' ~ existing_relation.table_format ~ ', and the snapshot is configured as '
      ~ format.name ~ '. Its history is not converted: set file_format back, or move the table away.'
    ) -%}
  {%- endif -%}
{%- endmacro %}


{% macro glue__snapshot_column_names() -%}
  {{ return(config.get('snapshot_table_column_names') or get_snapshot_table_column_names()) }}
{%- endmacro %}


{#-- One statement stages and merges: there is no view or table that a failure could leave. `query`
     is the snapshot's. --#}
{% macro glue__update_snapshot(target_relation, strategy, query) -%}
  {%- set columns = glue__snapshot_column_names() -%}
  {%- set target_columns = glue__with_is_deleted(target_relation, columns.dbt_is_deleted, strategy.hard_deletes) -%}
  {%- do adapter.assert_valid_snapshot_target_given_strategy(
    target_relation, glue__lower_values(columns), strategy
  ) -%}
  {%- set shaped = glue__shaped_snapshot_query(query, target_relation, target_columns) -%}
  {%- set staging = snapshot_staging_table(strategy, shaped, target_relation) -%}
  {%- set source_columns = glue__snapshot_columns(glue__typed_columns(staging), strategy.unique_key) -%}
  {%- do create_columns(target_relation, glue__columns_absent_from(target_columns, source_columns)) -%}
  {%- call statement('main') -%}
    {{ snapshot_merge_sql(target_relation, '(\n' ~ staging ~ '\n)', source_columns | map(attribute='quoted') | list) }}
  {%- endcall -%}
{%- endmacro %}


{#-- The query with the fields of its structs as the table has them, which Spark would compare and
     write by position. A new field is added to the table first. --#}
{% macro glue__shaped_snapshot_query(query, target_relation, target_columns) -%}
  {%- if not adapter.has_structs(target_columns) -%}
    {{ return(query) }}
  {%- endif -%}
  {%- set columns = glue__typed_columns(query) -%}
  {%- set changes = adapter.changes_to_apply(
    adapter.changed_columns(target_relation, columns, target_columns), 'append_new_columns'
  ) -%}
  {%- set reasons = adapter.refused_changes(target_relation, changes) -%}
  {%- if reasons -%}
    {%- do exceptions.raise_compiler_error(
      'The snapshot ' ~ target_relation.render_bare() ~ ' cannot follow its query: ' ~ reasons | join('; ')
      ~ '. Leave it out of the query, or give it a column of its own.'
    ) -%}
  {%- endif -%}
  {%- set fields = changes.added | selectattr('path', 'defined') | list -%}
  {%- do create_columns(target_relation, fields) -%}
  {%- set target_columns = adapter.get_columns_in_relation(target_relation) if fields else target_columns -%}
  {{ return('select * from ' ~ adapter.shaped_increment(
    adapter.query_relation(target_relation.identifier, query), columns, target_columns
  )) }}
{%- endmacro %}


{#-- The snapshot's columns. One that was made without hard_deletes: new_record is given the column
     that core's query compares, and none of its rows is a deleted one. A comment stands on the column
     until it is filled, so that a run after one that failed fills it. --#}
{% macro glue__with_is_deleted(target_relation, name, hard_deletes) -%}
  {%- set known = adapter.get_columns_in_relation(target_relation) -%}
  {%- if hard_deletes != 'new_record' -%}
    {{ return(known) }}
  {%- endif -%}
  {%- set being_filled = 'being filled by dbt' -%}
  {%- set missing = glue__columns_absent_from(known, [api.Column(name, 'string')]) -%}
  {%- for column in missing -%}
    {{ glue_exec_query(
      'alter table ' ~ target_relation ~ ' add columns (' ~ column.quoted ~ ' string comment '
      ~ glue__literal(being_filled) ~ ')'
    ) }}
  {%- endfor -%}
  {%- for column in missing + known
      if column.name | lower == name | lower and (column in missing or column.comment == being_filled) -%}
    {{ glue_exec_query(
      'update ' ~ target_relation ~ ' set ' ~ column.quoted ~ " = 'False' where " ~ column.quoted ~ ' is null'
    ) }}
    {%- do alter_column_comment(target_relation, {column.name: {'description': ''}}) -%}
  {%- endfor -%}
  {{ return(known + missing) }}
{%- endmacro %}


{#-- Core compares these names with the catalog's, which are in lower case. --#}
{% macro glue__lower_values(names) -%}
  {%- set lower = {} -%}
  {%- for key, name in names.items() -%}
    {%- do lower.update({key: name | lower}) -%}
  {%- endfor -%}
  {{ return(lower) }}
{%- endmacro %}


{#-- The staged columns that belong in the snapshot: all but core's own helpers. --#}
{% macro glue__snapshot_columns(staged, unique_key) -%}
  {%- set helpers = ['dbt_change_type', 'dbt_unique_key'] -%}
  {%- if unique_key | is_list -%}
    {%- for key in unique_key -%}
      {%- do helpers.append('dbt_unique_key_' ~ loop.index) -%}
    {%- endfor -%}
  {%- endif -%}
  {%- set columns = [] -%}
  {%- for column in staged if column.name | lower not in helpers -%}
    {%- do columns.append(column) -%}
  {%- endfor -%}
  {{ return(columns) }}
{%- endmacro %}


{% macro glue__snapshot_hash_arguments(args) -%}
  md5(
  {%- for arg in args -%}
    coalesce(cast({{ arg }} as string), ''){{ " || '|' || " if not loop.last }}
  {%- endfor -%}
  )
{%- endmacro %}


{#-- As core's, but for names whose case differs, which would make every row of every run a change. --#}
{% macro snapshot_check_all_get_existing_columns(node, target_exists, check_cols_config) -%}
  {%- if not target_exists -%}
    {{ return((false, [])) }}
  {%- endif -%}
  {%- if check_cols_config == 'all' -%}
    {%- set names = get_columns_in_query(node['compiled_code']) -%}
  {%- elif check_cols_config is not string and check_cols_config is iterable and check_cols_config | length > 0 -%}
    {%- set names = get_columns_in_query(
      'select ' ~ check_cols_config | join(', ') ~ ' from (\n' ~ adapter.as_subquery(node['compiled_code']) ~ '\n) subq'
    ) -%}
  {%- else -%}
    {%- do exceptions.raise_compiler_error("Invalid value for 'check_cols': " ~ check_cols_config) -%}
  {%- endif -%}
  {%- set existing = get_columns_in_relation(load_cached_relation(this)) | map(attribute='name') | list -%}
  {%- set compared = [] -%}
  {%- for name in names if name in existing -%}
    {%- do compared.append(adapter.quote(name)) -%}
  {%- endfor -%}
  {{ return((compared | length < names | length, compared)) }}
{%- endmacro %}

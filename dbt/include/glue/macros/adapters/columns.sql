{#-- The Data Catalog keeps names in lower case, so that is how dbt's own macros compare them. --#}
{% macro glue__get_columns_in_relation(relation) -%}
  {%- set columns = [] -%}
  {%- for column in adapter.get_columns_in_relation(relation) -%}
    {%- do columns.append(api.Column(column.name | lower, column.dtype)) -%}
  {%- endfor -%}
  {{ return(columns) }}
{%- endmacro %}


{% macro glue__get_columns_in_query(select_sql) -%}
  {%- call statement('get_columns_in_query', fetch_result=True, auto_begin=False) -%}
    {{ get_empty_subquery_sql(select_sql) }}
  {%- endcall -%}
  {{ return(load_result('get_columns_in_query').table.columns | map(attribute='name') | map('lower') | list) }}
{%- endmacro %}


{% macro glue__alter_relation_add_remove_columns(relation, add_columns, remove_columns) -%}
  {%- set format = adapter.table_format(relation.table_format) -%}
  {%- if add_columns and not format.add_column -%}
    {{ glue__refuse_schema_change(relation, 'add columns') }}
  {%- endif -%}
  {%- if remove_columns and not format.drop_column -%}
    {{ glue__refuse_schema_change(relation, 'drop columns') }}
  {%- endif -%}
  {%- if add_columns -%}
    {{ glue_exec_query('alter table ' ~ relation ~ ' add columns (' ~ glue__column_definitions(add_columns) ~ ')') }}
  {%- endif -%}
  {%- if remove_columns -%}
    {{ glue_exec_query('alter table ' ~ relation ~ ' drop columns (' ~ (remove_columns | map(attribute='quoted') | join(', ')) ~ ')') }}
  {%- endif -%}
{%- endmacro %}


{% macro glue__alter_column_type(relation, column_name, new_column_type) -%}
  {%- if not adapter.table_format(relation.table_format).alter_column_type -%}
    {{ glue__refuse_schema_change(relation, 'change the type of ' ~ column_name ~ ' to ' ~ new_column_type) }}
  {%- endif -%}
  {{ glue_exec_query('alter table ' ~ relation ~ ' alter column ' ~ adapter.quote(column_name) ~ ' type ' ~ new_column_type) }}
{%- endmacro %}


{% macro glue__refuse_schema_change(relation, change) -%}
  {%- do exceptions.raise_compiler_error(
    relation ~ ': a table in ' ~ (relation.table_format or 'this format') ~ ' cannot ' ~ change ~
    '. Run the model once with --full-refresh, or set on_schema_change to ignore or fail.'
  ) -%}
{%- endmacro %}


{% macro glue__create_columns(relation, columns) -%}
  {%- if columns -%}
    {{ alter_relation_add_remove_columns(relation, columns, none) }}
  {%- endif -%}
{%- endmacro %}


{#-- As core's, but for names whose case differs: the Data Catalog keeps lower case only. --#}
{% macro glue__check_for_schema_changes(source_relation, target_relation) -%}
  {%- set source_columns = adapter.get_columns_in_relation(source_relation) -%}
  {%- set target_columns = adapter.get_columns_in_relation(target_relation) -%}
  {%- set added = glue__columns_absent_from(target_columns, source_columns) -%}
  {%- set removed = glue__columns_absent_from(source_columns, target_columns) -%}
  {%- set new_types = [] -%}
  {%- set target_types = {} -%}
  {%- for column in target_columns -%}
    {%- do target_types.update({column.name | lower: column}) -%}
  {%- endfor -%}
  {%- for column in source_columns -%}
    {%- set known = target_types.get(column.name | lower) -%}
    {%- if known and known.dtype | lower != column.dtype | lower -%}
      {%- do new_types.append({'column_name': known.name, 'new_type': column.dtype}) -%}
    {%- endif -%}
  {%- endfor -%}
  {{ return({
    'schema_changed': (added + removed + new_types) | length > 0,
    'source_not_in_target': added,
    'target_not_in_source': removed,
    'source_columns': source_columns,
    'target_columns': target_columns,
    'new_target_types': new_types,
  }) }}
{%- endmacro %}


{#-- The columns whose names are not among the known ones. --#}
{% macro glue__columns_absent_from(known, columns) -%}
  {%- set names = known | map(attribute='name') | map('lower') | list -%}
  {%- set absent = [] -%}
  {%- for column in columns -%}
    {%- if column.name | lower not in names -%}
      {%- do absent.append(column) -%}
    {%- endif -%}
  {%- endfor -%}
  {{ return(absent) }}
{%- endmacro %}

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


{#-- The columns of a query with their whole types, as a table has them. Core's
     get_column_schema_from_query says DECIMAL of a decimal(18,2), and STRUCT of a struct. --#}
{% macro glue__typed_columns(select_sql) -%}
  {{ return(adapter.get_columns_in_relation(adapter.query_relation('query', select_sql))) }}
{%- endmacro %}


{#-- As core's, without the semicolon that may end a query; a sql_header has been run before. --#}
{% macro glue__get_empty_subquery_sql(select_sql, select_sql_header=none) -%}
  select * from (
    {{ adapter.as_subquery(select_sql) }}
  ) as __dbt_sbq
  where false
  limit 0
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
  {%- if not adapter.table_format(relation.table_format).widens -%}
    {{ glue__refuse_schema_change(relation, 'change the type of ' ~ column_name ~ ' to ' ~ new_column_type) }}
  {%- endif -%}
  {{ glue_exec_query('alter table ' ~ relation ~ ' alter column ' ~ glue__quote_column(column_name) ~ ' type ' ~ new_column_type) }}
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

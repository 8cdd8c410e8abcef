{% macro glue__rename_relation(from_relation, to_relation) -%}
  {%- if from_relation.is_view -%}
    {{ glue_exec_query(adapter.duplicate_view(from_relation, to_relation.incorporate(type='view'))) }}
    {{ glue_exec_query(drop_view(from_relation)) }}
  {%- elif adapter.table_format(from_relation.table_format).rename -%}
    {%- set renamed = to_relation.incorporate(type='table', table_format=from_relation.table_format) -%}
    {{ glue_exec_query('alter table ' ~ from_relation ~ ' rename to ' ~ renamed) }}
  {%- else -%}
    {%- do adapter.glue_rename_relation(from_relation, to_relation) -%}
  {%- endif -%}
{%- endmacro %}

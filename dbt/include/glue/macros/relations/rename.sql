{% macro glue__rename_relation(from_relation, to_relation) -%}
  {%- if from_relation.is_view -%}
    {{ glue_exec_query(adapter.duplicate_view(from_relation, to_relation.incorporate(type='view'))) }}
    {{ glue_exec_query(drop_view(from_relation)) }}
  {%- elif adapter.table_format(from_relation.table_format).rename -%}
    {#-- Spark takes the new name as one of the same catalog. --#}
    {{ glue_exec_query('alter table ' ~ from_relation ~ ' rename to ' ~ to_relation.render_bare()) }}
  {%- else -%}
    {%- do adapter.glue_rename_relation(from_relation, to_relation) -%}
  {%- endif -%}
{%- endmacro %}

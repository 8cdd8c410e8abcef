{% materialization view, adapter='glue' -%}
  {%- set existing_relation = load_cached_relation(this) -%}
  {%- set target_relation = this.incorporate(type='view') -%}

  {{ glue__run_pre_hooks() }}
  {{ glue__run_sql_header() }}

  {%- if existing_relation is not none and not existing_relation.is_view -%}
    {{ glue__replace_table_by_view(existing_relation, target_relation, sql) }}
  {%- else -%}
    {%- call statement('main') -%}
      {{ get_create_view_as_sql(target_relation, sql) }}
    {%- endcall -%}
  {%- endif -%}

  {{ glue__finish(target_relation, for_relation=false) }}
  {{ glue__run_post_hooks() }}

  {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}

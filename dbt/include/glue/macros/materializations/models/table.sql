{% materialization table, adapter='glue', supported_languages=['sql'] -%}
  {%- set existing_relation = load_cached_relation(this) -%}
  {%- set target_relation = glue__target_table() -%}

  {{ run_hooks(pre_hooks) }}
  {{ glue__run_sql_header() }}

  {{ glue__build_table(existing_relation, target_relation, glue__model_query(sql)) }}

  {{ glue__finish(target_relation, existing_relation, for_relation=false) }}
  {{ run_hooks(post_hooks) }}

  {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}


{#-- What every materialization does once its relation is there. --#}
{% macro glue__finish(relation, existing_relation, for_relation) -%}
  {%- do apply_grants(relation, config.get('grants'), should_revoke=existing_relation is not none) -%}
  {%- do persist_docs(relation, model, for_relation=for_relation) -%}
  {{ glue__apply_lake_formation(relation) }}
{%- endmacro %}

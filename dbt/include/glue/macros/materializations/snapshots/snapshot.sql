{% materialization snapshot, adapter='glue' -%}
  {%- set existing_relation = load_cached_relation(this) -%}
  {{ glue__validate_snapshot(existing_relation) }}
  {%- set exists = existing_relation is not none -%}
  {%- set target_relation = existing_relation if exists else glue__target_table() -%}

  {{ glue__run_pre_hooks() }}
  {{ glue__run_sql_header() }}

  {%- set strategy_macro = strategy_dispatch(config.get('strategy')) -%}
  {%- set strategy = strategy_macro(model, 'snapshotted_data', 'source_data', model['config'], exists) -%}

  {%- set query = adapter.as_subquery(model['compiled_code']) -%}
  {%- if exists -%}
    {{ glue__update_snapshot(target_relation, strategy, query) }}
  {%- else -%}
    {{ glue__build_table(none, target_relation, build_snapshot_table(strategy, query)) }}
  {%- endif -%}

  {{ glue__finish(target_relation, for_relation=exists) }}
  {{ glue__run_post_hooks() }}

  {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}

{% materialization seed, adapter='glue' -%}
  {%- set existing_relation = load_cached_relation(this) -%}
  {%- set target_relation = glue__target_table() -%}
  {%- set agate_table = load_agate_table() -%}
  {%- do store_result('agate_table', response='OK', agate_table=agate_table) -%}
  {%- if existing_relation is not none and existing_relation.is_view -%}
    {%- do exceptions.raise_compiler_error("Cannot seed to '" ~ existing_relation ~ "', it is a view") -%}
  {%- endif -%}

  {{ glue__run_pre_hooks() }}

  {%- set append = glue__appends_seed(existing_relation, target_relation) -%}
  {%- set seed_sql = glue__load_seed(agate_table, existing_relation, target_relation, append) -%}
  {%- set rows_affected = agate_table.rows | length -%}
  {%- set code = 'CREATE' if should_full_refresh() else 'INSERT' -%}
  {%- call noop_statement('main', code ~ ' ' ~ rows_affected, code, rows_affected) -%}
    {{ seed_sql }}
  {%- endcall -%}

  {{ glue__finish(target_relation, for_relation=append) }}
  {{ glue__run_post_hooks() }}

  {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}

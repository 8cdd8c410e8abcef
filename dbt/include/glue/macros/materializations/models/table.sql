{% materialization table, adapter='glue', supported_languages=['sql', 'python'] -%}
  {%- set existing_relation = load_cached_relation(this) -%}
  {%- set target_relation = glue__target_table() -%}
  {%- do adapter.use_python_session(model) -%}

  {{ glue__run_pre_hooks() }}
  {{ glue__run_sql_header() }}

  {%- set view = glue__python_view(target_relation) -%}
  {%- if view is not none -%}
    {%- call statement('main', language='python') -%}
      {{ glue__py_write_table(model.compiled_code, view) }}
    {%- endcall -%}
  {%- endif -%}
  {{ glue__write_table(existing_relation, target_relation, sql, view) }}

  {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}


{#-- Writes the table from the model's query, or from the view of its Python. --#}
{% macro glue__write_table(existing_relation, target_relation, sql, view) -%}
  {%- set rows = glue__python_rows(view, target_relation, replaced=existing_relation) -%}
  {%- set query = glue__query_of_model(sql, rows) -%}
  {{ glue__build_table(existing_relation, target_relation, query, glue__write_statement()) }}

  {{ glue__finish(target_relation, for_relation=false) }}
  {{ glue__run_post_hooks() }}
  {{ glue__end_python_model(rows, target_relation) }}
{%- endmacro %}


{#-- What every materialization does once its relation is there. --#}
{% macro glue__finish(relation, for_relation) -%}
  {%- do persist_docs(relation, model, for_relation=for_relation) -%}
  {{ glue__update_manifest(relation) }}
  {{ glue__apply_lake_formation(relation) }}
  {{ glue__maintain_after_run(relation) }}
{%- endmacro %}

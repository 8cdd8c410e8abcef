{#-- The name that dbt-glue 1.12 has for a table that Python makes. dbt lets nothing but a
     materialization itself run the statement of a model, so this is that of `table` again. --#}
{% materialization python_model, adapter='glue', supported_languages=['python'] -%}
  {%- set existing_relation = load_cached_relation(this) -%}
  {%- set target_relation = glue__target_table() -%}
  {%- do adapter.use_python_session(model) -%}

  {{ glue__run_pre_hooks() }}
  {{ glue__run_sql_header() }}

  {%- set view = glue__python_view(target_relation) -%}
  {%- call statement('main', language='python') -%}
    {{ glue__py_write_table(model.compiled_code, view) }}
  {%- endcall -%}
  {{ glue__write_table(existing_relation, target_relation, sql, view) }}

  {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}

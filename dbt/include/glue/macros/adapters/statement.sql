{#-- Runs a statement whose result nobody reads. --#}
{% macro glue_exec_query(sql) -%}
  {%- call statement('run_query_statement', fetch_result=false, auto_begin=false) -%}
    {{ sql }}
  {%- endcall -%}
{%- endmacro %}


{#-- Spark takes one statement at a time: a model's sql_header is one of its own. --#}
{% macro glue__run_sql_header() -%}
  {%- set header = config.get('sql_header') -%}
  {%- if header -%}
    {{ glue_exec_query(header) }}
  {%- endif -%}
{%- endmacro %}

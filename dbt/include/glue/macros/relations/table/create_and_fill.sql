{#-- S3 Tables says where a table lies once the table is there, so no rows can be written before:
     there is no CREATE TABLE AS. The table is made empty, and goes again if it cannot be filled. --#}
{% macro glue__create_and_fill(target_relation, sql, statement_name='main') -%}
  {%- set table = glue__formatted(target_relation) -%}
  {%- set columns = glue__typed_columns(sql) -%}
  {{ glue__refuse_columns(table, columns) }}
  {%- do adapter.remember_temporary(table) -%}
  {%- call statement('create_table') -%}
    {{ glue__create_clauses('create table', table, columns) }}
  {%- endcall -%}
  {%- call statement(statement_name) -%}
    insert into {{ table }}
    {{ glue__in_order(sql) }}
  {%- endcall -%}
  {%- do adapter.keep_temporary(table) -%}
{%- endmacro %}

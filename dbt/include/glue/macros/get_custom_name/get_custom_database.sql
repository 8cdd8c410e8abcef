{#-- In Spark a database is a schema; but a table bucket of S3 Tables is a catalog of its own. --#}
{% macro glue__generate_database_name(custom_database_name=none, node=none) -%}
  {{ return(adapter.table_bucket_of(node, custom_database_name)) }}
{%- endmacro %}

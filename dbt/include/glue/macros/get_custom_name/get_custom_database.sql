{#-- In Spark a database is a schema. --#}
{% macro glue__generate_database_name(custom_database_name=none, node=none) -%}
  {{ return(none) }}
{%- endmacro %}

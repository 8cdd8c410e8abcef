{% macro glue__drop_table(relation) -%}
  drop table if exists {{ relation }}
  {%- if adapter.table_format(relation.table_format).managed
      or (relation.is_iceberg and glue__is_true(config.get('purge_dropped_iceberg_data'))) %} purge{% endif -%}
{%- endmacro %}

{% macro glue__get_drop_sql(relation) -%}
  {%- if relation.is_view -%}
    {{ drop_view(relation) }}
  {%- else -%}
    {{ drop_table(relation) }}
  {%- endif -%}
{%- endmacro %}


{#-- Drops a relation, and the data that dbt owns. --#}
{% macro glue__drop_relation(relation) -%}
  {%- if relation.is_view or not relation.include_policy.schema -%}
    {%- call statement('drop_relation', auto_begin=False) -%}
      {{ drop_view(relation) }}
    {%- endcall -%}
  {%- else -%}
    {%- set location = adapter.recorded_location(relation) -%}
    {%- call statement('drop_relation', auto_begin=False) -%}
      {{ get_drop_sql(relation) }}
    {%- endcall -%}
    {%- if relation.is_hudi or relation.is_delta and target.get('delta_athena_prefix') -%}
      {%- do adapter.drop_query_tables(relation, location) -%}
    {%- endif -%}
    {%- do adapter.delete_table_data(relation, location, glue__custom_location()) -%}
  {%- endif -%}
{%- endmacro %}


{#-- As adapter.drop_relation, but within the model, whose custom_location tells what dbt owns. --#}
{% macro glue__drop_existing(relation) -%}
  {%- do adapter.cache_dropped(relation) -%}
  {{ glue__drop_relation(relation) }}
{%- endmacro %}

{#-- The twin of a Delta table that readers of manifests use, where delta_athena_prefix asks for it. --#}
{% macro glue__update_manifest(relation) -%}
  {%- if relation.is_delta and target.get('delta_athena_prefix') -%}
    {%- do adapter.delta_update_manifest(
      relation, glue__custom_location(), glue__partition_names()
    ) -%}
  {%- endif -%}
{%- endmacro %}

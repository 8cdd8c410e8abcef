{% macro glue__create_schema(relation) -%}
  {%- do adapter.create_schema(relation if relation is not string else api.Relation.create(schema=relation)) -%}
{%- endmacro %}


{% macro glue__drop_schema(relation) -%}
  {%- do adapter.drop_schema(relation if relation is not string else api.Relation.create(schema=relation)) -%}
{%- endmacro %}

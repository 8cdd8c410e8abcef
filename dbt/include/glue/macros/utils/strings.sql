{#-- Spark reads backslashes in a string literal as escapes, so they are escaped as well. --#}
{% macro glue__escape_single_quotes(expression) -%}
  {{ return(adapter.escaped(expression)) }}
{%- endmacro %}


{#-- A unit test gives an array, map or struct as the text of an expression: CAST takes it unquoted. --#}
{% macro glue__safe_cast(field, type) -%}
  {%- if field is string and field.startswith("'") and modules.re.match('(array|map|struct)\\b', type | lower) -%}
    cast({{ adapter.unescaped(field[1:-1]) }} as {{ type }})
  {%- else -%}
    cast({{ field }} as {{ type }})
  {%- endif -%}
{%- endmacro %}

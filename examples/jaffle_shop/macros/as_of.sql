{#- The end of the day that has happened so far, as SQL. -#}
{% macro as_of() -%}
    date '{{ var("day") }}'
{%- endmacro %}

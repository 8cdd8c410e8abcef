{% macro glue__current_timestamp() -%}
  current_timestamp()
{%- endmacro %}


{% macro glue__snapshot_get_time() -%}
  current_timestamp()
{%- endmacro %}


{% macro glue__snapshot_string_as_time(timestamp) -%}
  {{ return("to_timestamp('" ~ timestamp ~ "')") }}
{%- endmacro %}

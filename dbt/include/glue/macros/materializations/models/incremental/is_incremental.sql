{#-- Whether the existing relation can take an increment: a table in the format of the config. --#}
{% macro glue__is_incremental_target(existing_relation) -%}
  {{ return(
    existing_relation is not none
    and existing_relation.is_table
    and existing_relation.table_format in (none, glue__model_format().name)
  ) }}
{%- endmacro %}


{#-- As core's, but false when the config's file_format is not the table's: the table is rebuilt
     then, and needs all rows. --#}
{% macro is_incremental() -%}
  {%- if not execute -%}
    {{ return(False) }}
  {%- endif -%}
  {{ return(
    model.config.materialized == 'incremental'
    and not should_full_refresh()
    and glue__is_incremental_target(load_cached_relation(this))
  ) }}
{%- endmacro %}

{#-- The query with the time of the write: update_hudi_ts, by which Hudi tells which of two rows is
     newer, and update_iceberg_ts where add_iceberg_timestamp asks for it. --#}
{% macro glue__with_timestamp(sql) -%}
  {%- set format = glue__model_format().name -%}
  {%- if format == 'hudi' -%}
    {{ return(glue__with_current_timestamp(sql, 'update_hudi_ts')) }}
  {%- elif format == 'iceberg' and glue__is_true(config.get('add_iceberg_timestamp')) -%}
    {{ return(glue__with_current_timestamp(sql, 'update_iceberg_ts')) }}
  {%- endif -%}
  {{ return(sql) }}
{%- endmacro %}


{% macro glue__with_current_timestamp(sql, column) -%}
  {%- set names = get_columns_in_query(sql) -%}
  {%- set kept = [] -%}
  {%- for name in names -%}
    {%- if name | lower != column -%}
      {%- do kept.append(adapter.quote(name)) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- set wrapped -%}
  select {{ kept | join(', ') }}, current_timestamp() as {{ adapter.quote(column) }}
  from (
    {{ sql }}
  ) as __dbt_model
  {%- endset -%}
  {{ return(wrapped) }}
{%- endmacro %}


{#-- The name that projects of dbt-glue 1.12 know. --#}
{% macro add_iceberg_timestamp_column(sql, relation=none) -%}
  {{ glue__with_timestamp(sql) }}
{%- endmacro %}

{% macro glue__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates=none) -%}
  {%- set keys = glue__as_list(unique_key) -%}
  {%- set conditions = glue__merge_predicates(target, incremental_predicates) -%}
  {%- for key in keys -%}
    {%- set name = glue__quote_column(key) -%}
    {%- do conditions.append(
      'DBT_INTERNAL_SOURCE.' ~ name ~ ' = DBT_INTERNAL_DEST.' ~ name
      if target.is_hudi
      else get_merge_unique_key_match('DBT_INTERNAL_SOURCE.' ~ name, 'DBT_INTERNAL_DEST.' ~ name)
    ) -%}
  {%- endfor -%}
  {%- if not keys -%}
    {%- do conditions.append('false') -%}
  {%- endif -%}
  {%- set updated = glue__merge_update_columns(target, dest_columns) if keys else [] -%}
  merge into {{ target }} as DBT_INTERNAL_DEST
  using {{ source }} as DBT_INTERNAL_SOURCE
  on ({{ conditions | join(') and (') }})
  {%- if updated %}
  when matched then update set
    {%- for name in updated %}
    {{ name }} = DBT_INTERNAL_SOURCE.{{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
  {%- endif %}
  when not matched then insert ({{ dest_columns | map(attribute='quoted') | join(', ') }})
  values ({% for column in dest_columns %}DBT_INTERNAL_SOURCE.{{ column.quoted }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}


{#-- Hudi finds rows by its index and takes nothing but equality of keys in ON. --#}
{% macro glue__merge_predicates(target, incremental_predicates) -%}
  {%- set predicates = glue__as_list(incremental_predicates) -%}
  {%- if predicates and target.is_hudi -%}
    {%- do exceptions.warn(target ~ ': incremental_predicates are not used: Hudi merges by key alone') -%}
    {{ return([]) }}
  {%- endif -%}
  {{ return(predicates) }}
{%- endmacro %}


{% macro glue__merge_update_columns(target, dest_columns) -%}
  {%- set names = [] -%}
  {%- for name in get_merge_update_columns(
    config.get('merge_update_columns'), config.get('merge_exclude_columns'), dest_columns
  ) -%}
    {%- do names.append(glue__quote_column(name)) -%}
  {%- endfor -%}
  {#-- Hudi asks for the column that orders versions of a row in every update. --#}
  {%- if names and target.is_hudi and '`update_hudi_ts`' not in names
      and 'update_hudi_ts' in dest_columns | map(attribute='name') -%}
    {%- do names.append('`update_hudi_ts`') -%}
  {%- endif -%}
  {{ return(names) }}
{%- endmacro %}


{#-- Core's, not dbt-spark's, which leaves the columns out for UPDATE SET *. --#}
{% macro glue__get_merge_update_columns(merge_update_columns, merge_exclude_columns, dest_columns) -%}
  {{ return(default__get_merge_update_columns(merge_update_columns, merge_exclude_columns, dest_columns)) }}
{%- endmacro %}

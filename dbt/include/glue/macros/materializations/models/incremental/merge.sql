{% macro glue__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates=none) -%}
  {%- set format = adapter.table_format(target.table_format) -%}
  {%- set old = config.get('target_alias') or 'DBT_INTERNAL_DEST' -%}
  {%- set new = config.get('source_alias') or 'DBT_INTERNAL_SOURCE' -%}
  {%- set keys = glue__as_list(unique_key) -%}
  {%- set conditions = glue__merge_predicates(target, incremental_predicates) -%}
  {%- for key in keys -%}
    {%- set name = glue__quote_column(key) -%}
    {%- do conditions.append(
      get_merge_unique_key_match(new ~ '.' ~ name, old ~ '.' ~ name)
      if format.merge_predicates
      else new ~ '.' ~ name ~ ' = ' ~ old ~ '.' ~ name
    ) -%}
  {%- endfor -%}
  {%- if not keys -%}
    {%- do conditions.append('false') -%}
  {%- endif -%}
  merge into {{ target }} as {{ old }}
  using {{ source }} as {{ new }}
  on ({{ conditions | join(') and (') }})
  {%- if keys %}{{ glue__merge_matched(target, dest_columns, new) }}{% endif %}
  {{- glue__merge_not_matched(dest_columns, new) }}
  {{- glue__merge_not_matched_by_source() }}
{%- endmacro %}


{#-- What becomes of rows that are there already. --#}
{% macro glue__merge_matched(target, dest_columns, new) -%}
  {%- set condition = config.get('matched_condition') or config.get('update_condition') -%}
  {%- set updated = glue__merge_update_columns(target, dest_columns) -%}
  {%- if config.get('delete_condition') %}
  when matched and ({{ config.get('delete_condition') }}) then delete
  {%- endif -%}
  {%- if updated and not glue__is_true(config.get('skip_matched_step')) %}
  when matched{{ ' and (' ~ condition ~ ')' if condition }} then update set
    {%- for name in updated %}
    {{ name }} = {{ new }}.{{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
  {%- endif -%}
{%- endmacro %}


{% macro glue__merge_not_matched(dest_columns, new) -%}
  {%- set condition = config.get('not_matched_condition') or config.get('insert_condition') -%}
  {%- if not glue__is_true(config.get('skip_not_matched_step')) %}
  when not matched{{ ' and (' ~ condition ~ ')' if condition }} then insert ({{ dest_columns | map(attribute='quoted') | join(', ') }})
  values ({% for column in dest_columns %}{{ new }}.{{ column.quoted }}{{ ', ' if not loop.last }}{% endfor %})
  {%- endif -%}
{%- endmacro %}


{#-- What becomes of rows of the table that the increment has no row of. --#}
{% macro glue__merge_not_matched_by_source() -%}
  {%- set condition = config.get('not_matched_by_source_condition') -%}
  {%- if config.get('not_matched_by_source_action') %}
  when not matched by source{{ ' and (' ~ condition ~ ')' if condition }} then {{ config.get('not_matched_by_source_action') }}
  {%- endif -%}
{%- endmacro %}


{#-- Hudi finds rows by its index and takes nothing but equality of keys in ON. --#}
{% macro glue__merge_predicates(target, incremental_predicates) -%}
  {%- set predicates = glue__as_list(incremental_predicates) -%}
  {%- if predicates and not adapter.table_format(target.table_format).merge_predicates -%}
    {%- do exceptions.warn(target ~ ': incremental_predicates are not used: Hudi merges by key alone') -%}
    {{ return([]) }}
  {%- endif -%}
  {{ return(predicates) }}
{%- endmacro %}


{% macro glue__merge_update_columns(target, dest_columns) -%}
  {%- set names = [] -%}
  {%- for name in get_merge_update_columns(
    glue__as_list(config.get('merge_update_columns')),
    glue__as_list(config.get('merge_exclude_columns')),
    dest_columns
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

{% macro glue__get_incremental_default_sql(arg_dict) -%}
  {{ return(get_incremental_insert_overwrite_sql(arg_dict)) }}
{%- endmacro %}


{% macro glue__get_incremental_append_sql(arg_dict) -%}
  {{ return(glue__insert_sql(
    'insert into', arg_dict['target_relation'], arg_dict['temp_relation'], arg_dict['dest_columns'],
    arg_dict.get('target_columns')
  )) }}
{%- endmacro %}


{#-- Replaces the partitions that the increment has rows of, or all of a table without partitions:
     spark.sql.sources.partitionOverwriteMode is dynamic in every session. An Iceberg table would keep
     its rows where the increment has none, since nothing is committed then. --#}
{% macro glue__get_incremental_insert_overwrite_sql(arg_dict) -%}
  {%- if not adapter.table_format(arg_dict['target_relation'].table_format).overwrites_by_nothing
      and not config.get('partition_by') and not adapter.has_partitions(arg_dict['target_relation']) -%}
    {{ return(glue__replace_where_sql(arg_dict, 'true')) }}
  {%- endif -%}
  {{ return(glue__insert_sql(
    'insert overwrite', arg_dict['target_relation'], arg_dict['temp_relation'], arg_dict['dest_columns'],
    arg_dict.get('target_columns')
  )) }}
{%- endmacro %}


{#-- Columns by name. Those of the target that the increment lacks are written as nulls: Iceberg
     refuses an INSERT without them. target_columns saves asking, where the caller knows them. --#}
{% macro glue__insert_sql(verb, target_relation, source_relation, columns, target_columns=none) -%}
  {%- set target_columns = target_columns or adapter.get_columns_in_relation(target_relation) -%}
  {%- set absent = glue__columns_absent_from(columns, target_columns) -%}
  {%- set all_columns = columns + absent -%}
  {{ verb }} {{ target_relation }} ({{ all_columns | map(attribute='quoted') | join(', ') }})
  select
  {%- for column in all_columns %}
    {{ 'cast(null as ' ~ column.sql_type ~ ') as ' if column in absent }}{{ column.quoted }}{{ ',' if not loop.last }}
  {%- endfor %}
  from {{ source_relation }}
{%- endmacro %}


{% macro glue__get_incremental_merge_sql(arg_dict) -%}
  {{ return(get_merge_sql(
    arg_dict['target_relation'],
    arg_dict['temp_relation'],
    arg_dict['unique_key'],
    arg_dict['dest_columns'],
    arg_dict['incremental_predicates'],
  )) }}
{%- endmacro %}


{% macro glue__get_incremental_delete_insert_sql(arg_dict) -%}
  {{ return(get_delete_insert_merge_sql(
    arg_dict['target_relation'],
    arg_dict['temp_relation'],
    arg_dict['unique_key'],
    arg_dict['dest_columns'],
    arg_dict['incremental_predicates'],
  )) }}
{%- endmacro %}


{#-- dbt looks a strategy up by this name, and core has none of it. --#}
{% macro get_incremental_replace_where_sql(arg_dict) -%}
  {{ return(adapter.dispatch('get_incremental_replace_where_sql', 'dbt')(arg_dict)) }}
{%- endmacro %}


{% macro glue__get_incremental_replace_where_sql(arg_dict) -%}
  {{ return(glue__replace_rows_sql(
    arg_dict, arg_dict['incremental_predicates'], 'outside of incremental_predicates'
  )) }}
{%- endmacro %}


{#-- A batch replaces the rows of its time; where a format has no such commit, those in the
     partitions that it has rows of. --#}
{% macro glue__get_incremental_microbatch_sql(arg_dict) -%}
  {%- set format = adapter.table_format(arg_dict['target_relation'].table_format) -%}
  {%- set window = adapter.batch_window(
    model.config.event_time, arg_dict['target_columns'], model.batch, format.name
  ) -%}
  {%- if not format.atomic_merge -%}
    {{ return(glue__overwrite_batch_sql(
      arg_dict, window, arg_dict['incremental_predicates'], aligned=adapter.batch_is_aligned(format.name, model.config)
    )) }}
  {%- endif -%}
  {{ return(glue__replace_rows_sql(
    arg_dict, [window] + arg_dict['incremental_predicates'], 'outside of its batch',
    aligned=adapter.batch_is_aligned(format.name, model.config)
  )) }}
{%- endmacro %}

{#-- Replaces the rows of a condition, in one commit; a row of the increment that is outside of it is
     an error. `aligned`: no file has rows both inside and outside, or Iceberg refuses REPLACE WHERE. --#}
{% macro glue__replace_rows_sql(arg_dict, predicates, outside, aligned=false) -%}
  {%- set format = adapter.table_format(arg_dict['target_relation'].table_format) -%}
  {%- set condition = '(' ~ predicates | join(') and (') ~ ')' -%}
  {%- if format.replace_where -%}
    {{ return(glue__replace_where_sql(arg_dict, condition)) }}
  {%- elif aligned -%}
    {{ return(glue__replace_where_sql(arg_dict, condition, glue__raise_outside(outside))) }}
  {%- endif -%}
  {{ return(glue__replace_by_merge_sql(arg_dict, condition, glue__raise_outside(outside))) }}
{%- endmacro %}


{% macro glue__raise_outside(outside) -%}
  raise_error({{ glue__literal('The increment has a row ' ~ outside ~ '. Have the query return none.') }})
{%- endmacro %}


{#-- REPLACE WHERE takes no list of columns: all of the table's, in its order. `raise` is for
     Iceberg, which does not check the rows. --#}
{% macro glue__replace_where_sql(arg_dict, condition, raise=none) -%}
  insert into {{ arg_dict['target_relation'] }}
  replace where {{ condition }}
  select {{ glue__checked_columns(arg_dict, condition if raise, raise) }}
  from {{ arg_dict['temp_relation'] }}
{%- endmacro %}


{#-- All columns of the table, out of the increment. `raise` stands in the first one where the
     condition does not hold, since a filter could be moved to where rows still are that the query
     leaves out. --#}
{% macro glue__checked_columns(arg_dict, condition, raise) -%}
  {%- set target_columns = arg_dict.get('target_columns') or adapter.get_columns_in_relation(arg_dict['target_relation']) -%}
  {%- set absent = glue__columns_absent_from(arg_dict['dest_columns'], target_columns) | map(attribute='name') | list -%}
  {%- for column in target_columns %}
    {%- set value = 'cast(null as ' ~ column.sql_type ~ ')' if column.name in absent else column.quoted %}
    {% if condition and loop.first -%}
      if(coalesce({{ condition }}, false), {{ value }}, cast({{ raise }} as {{ column.sql_type }}))
    {%- else -%}
      {{ value }}
    {%- endif %} as {{ column.quoted }}{{ ',' if not loop.last }}
  {%- endfor %}
{%- endmacro %}


{#-- A batch without a commit of its own: the partitions that it has rows of are overwritten, with what
     they hold of other times, or outside of the predicates. Such partitions are named by value, so
     that no other is read. `aligned`: they hold nothing of other times. --#}
{% macro glue__overwrite_batch_sql(arg_dict, window, predicates, aligned) -%}
  {%- set target = arg_dict['target_relation'] -%}
  {%- set names = arg_dict['target_columns'] | map(attribute='quoted') | join(', ') -%}
  {%- set whole = aligned and not predicates -%}
  {%- set condition = '(' ~ ([window] + predicates) | join(') and (') ~ ')' if predicates else window -%}
  {%- set touched = 'true' if whole else adapter.batch_partitions(arg_dict['temp_relation'], arg_dict['target_columns']) -%}
  {%- set outside = 'outside of its batch' ~ (' or of incremental_predicates' if predicates else '')
      ~ ('' if whole else ', or in a partition that it had none in just before') -%}
  insert overwrite {{ target }} ({{ names }})
  select {{ glue__checked_columns(arg_dict, '(' ~ condition ~ ') and ' ~ touched, glue__raise_outside(outside)) }}
  from {{ arg_dict['temp_relation'] }}
  {%- if not whole %}
  union all
  select {{ glue__other_times(arg_dict['target_columns'], window if predicates else none, aligned) }}
  from {{ target }}
  where {{ touched }} and not coalesce({{ condition }}, false)
  {%- endif -%}
{%- endmacro %}


{#-- Batches that are written at the same time must not meet in a partition. `window`: the rows that
     are kept may be of the same batch, which are these. --#}
{% macro glue__other_times(columns, window=none, aligned=false) -%}
  {%- set raise = 'raise_error(' ~ glue__literal(
    'partition_by: a partition has rows of other batches, and concurrent_batches is true, so that two '
    ~ 'batches could undo each other. Partition by a column as fine as batch_size, or remove '
    ~ 'concurrent_batches.'
  ) ~ ')' -%}
  {%- for column in columns -%}
    {%- set failure = 'cast(' ~ raise ~ ' as ' ~ column.sql_type ~ ')' -%}
    {%- if not loop.first or aligned or not config.get('concurrent_batches') -%}
      {{ column.quoted }}
    {%- elif window -%}
      if(coalesce({{ window }}, false), {{ column.quoted }}, {{ failure }})
    {%- else -%}
      {{ failure }}
    {%- endif -%}
    {{ ', ' if not loop.last }}
  {%- endfor -%}
{%- endmacro %}


{#-- One MERGE: 200 rows that match what is to go, spread over as many tasks by a hash, and the new
     rows, which match nothing. The row is packed into a struct, so that a plain name in the
     condition is a column of the table. --#}
{% macro glue__replace_by_merge_sql(arg_dict, condition, raise) -%}
  {%- set columns = arg_dict['dest_columns'] -%}
  {%- set hashed = [] -%}
  {%- for column in columns if 'map<' not in column.dtype | lower -%}
    {%- do hashed.append(column.quoted) -%}
  {%- endfor -%}
  merge into {{ arg_dict['target_relation'] }} as DBT_INTERNAL_DEST
  using (
    select
      struct(*) as __dbt_row,
      if(coalesce({{ condition }}, false), {{ glue__hash_of(hashed) }} - 200, cast({{ raise }} as bigint)) as __dbt_part
    from {{ arg_dict['temp_relation'] }}
    union all
    select null as __dbt_row, explode(sequence(0L, 199L)) as __dbt_part
  ) as DBT_INTERNAL_SOURCE
  on DBT_INTERNAL_SOURCE.__dbt_part = {{ glue__hash_of(hashed, 'DBT_INTERNAL_DEST.') }}
    and {{ condition }}
  when matched then delete
  when not matched and DBT_INTERNAL_SOURCE.__dbt_part < 0 then {{ glue__insert_packed_row(columns) }}
{%- endmacro %}


{#-- A number from 0 to 199 that spreads rows; a map cannot be hashed. --#}
{% macro glue__hash_of(names, prefix='') -%}
  {%- set arguments = [] -%}
  {%- for name in names -%}
    {%- do arguments.append(prefix ~ name) -%}
  {%- endfor -%}
  pmod({{ 'xxhash64(' ~ arguments | join(', ') ~ ')' if arguments else '0L' }}, 200L)
{%- endmacro %}


{% macro glue__insert_packed_row(columns) -%}
  insert ({{ columns | map(attribute='quoted') | join(', ') }})
  values ({% for column in columns %}DBT_INTERNAL_SOURCE.__dbt_row.{{ column.quoted }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}


{#-- delete+insert as one MERGE: the first row of each key comes twice, once to delete the rows of
     its key, once to be inserted like the others. So the query is run once, and readers see the
     rows before or those after. --#}
{% macro glue__get_delete_insert_merge_sql(target, source, unique_key, dest_columns, incremental_predicates) -%}
  {%- set keys = [] -%}
  {%- set conditions = ['DBT_INTERNAL_SOURCE.__dbt_delete'] + glue__as_list(incremental_predicates) -%}
  {%- for key in glue__as_list(unique_key) -%}
    {%- set name = '__dbt_key_' ~ loop.index -%}
    {%- do keys.append(glue__quote_column(key) ~ ' as ' ~ name) -%}
    {%- do conditions.append(get_merge_unique_key_match(
      'DBT_INTERNAL_SOURCE.' ~ name, 'DBT_INTERNAL_DEST.' ~ glue__quote_column(key)
    )) -%}
  {%- endfor -%}
  merge into {{ target }} as DBT_INTERNAL_DEST
  using (
    select numbered.*, __dbt_delete
    from (
      select packed.*, row_number() over (partition by {{ glue__numbered('__dbt_key_', keys) }} order by 1) as __dbt_number
      from (select struct(*) as __dbt_row, {{ keys | join(', ') }} from {{ source }}) as packed
    ) as numbered
    lateral view explode(if(__dbt_number = 1, array(true, false), array(false))) as __dbt_delete
  ) as DBT_INTERNAL_SOURCE
  on ({{ conditions | join(') and (') }})
  when matched then delete
  when not matched and not DBT_INTERNAL_SOURCE.__dbt_delete then {{ glue__insert_packed_row(dest_columns) }}
{%- endmacro %}


{% macro glue__numbered(prefix, items) -%}
  {%- for item in items -%}{{ prefix }}{{ loop.index }}{{ ', ' if not loop.last }}{%- endfor -%}
{%- endmacro %}

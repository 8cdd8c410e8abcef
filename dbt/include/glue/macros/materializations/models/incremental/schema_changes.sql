{#-- The columns of the increment once on_schema_change is done: `written`, those that the strategy
     writes; `target`, all of the table's; `increment`, what it reads them from. Under `ignore` the
     query need not be asked, but for structs, whose fields Spark would write by their position. --#}
{% macro glue__increment_columns(on_schema_change, increment, target_relation) -%}
  {%- if on_schema_change == 'ignore' -%}
    {%- set target = adapter.get_columns_in_relation(target_relation) -%}
    {%- if adapter.has_structs(target) -%}
      {%- set increment = adapter.shaped_increment(increment, adapter.get_columns_in_relation(increment), target) -%}
    {%- endif -%}
    {{ return({'written': target, 'target': target, 'increment': increment}) }}
  {%- endif -%}
  {%- set changes = check_for_schema_changes(increment, target_relation) -%}
  {%- set target = changes['target_columns'] -%}
  {%- if changes['schema_changed'] -%}
    {%- if on_schema_change == 'fail' -%}
      {{ glue__fail_on_schema_change(target_relation, changes) }}
    {%- endif -%}
    {%- do sync_column_schemas(on_schema_change, target_relation, changes) -%}
    {%- set target = adapter.get_columns_in_relation(target_relation) -%}
  {%- endif -%}
  {%- set source = changes['source_columns'] -%}
  {{ return({
    'written': source,
    'target': target,
    'increment': adapter.shaped_increment(increment, source, target),
  }) }}
{%- endmacro %}


{% macro glue__fail_on_schema_change(target_relation, changes) -%}
  {%- set found = adapter.changed_columns(target_relation, changes['source_columns'], changes['target_columns']) -%}
  {%- do exceptions.raise_compiler_error(
    "on_schema_change: got 'fail', and the columns of the query and of " ~ target_relation.render_bare()
    ~ ' are out of sync:\n  ' ~ found.lines() | join('\n  ')
    ~ '\nRun the model once with --full-refresh, or set on_schema_change to append_new_columns, '
    ~ 'sync_all_columns or ignore.'
  ) -%}
{%- endmacro %}


{#-- As core's, but with fields of structs, and for names whose case differs: the Data Catalog keeps
     lower case only. --#}
{% macro glue__check_for_schema_changes(source_relation, target_relation) -%}
  {%- set source_columns = adapter.get_columns_in_relation(source_relation) -%}
  {%- set target_columns = adapter.get_columns_in_relation(target_relation) -%}
  {%- set found = adapter.changed_columns(target_relation, source_columns, target_columns) -%}
  {%- set new_types = [] -%}
  {%- for change in found.retyped -%}
    {%- do new_types.append({'column_name': change.column.name, 'new_type': change.new_type}) -%}
  {%- endfor -%}
  {{ return({
    'schema_changed': true if found else false,
    'source_not_in_target': found.added,
    'target_not_in_source': found.removed,
    'source_columns': source_columns,
    'target_columns': target_columns,
    'new_target_types': new_types,
  }) }}
{%- endmacro %}


{#-- All changes or none: what the format cannot do is said before the first of them is made. --#}
{% macro glue__sync_column_schemas(on_schema_change, target_relation, schema_changes_dict) -%}
  {%- set changes = adapter.changes_to_apply(
    adapter.changed_columns(
      target_relation, schema_changes_dict['source_columns'], schema_changes_dict['target_columns']
    ),
    on_schema_change
  ) -%}
  {%- set reasons = adapter.refused_changes(target_relation, changes) -%}
  {%- if reasons -%}
    {%- do exceptions.raise_compiler_error(
      'on_schema_change: got ' ~ on_schema_change ~ ' for ' ~ target_relation.render_bare() ~ ', whose format cannot follow '
      ~ 'the query: ' ~ reasons | join('; ')
      ~ '. Run the model once with --full-refresh, or set on_schema_change to ignore or fail.'
    ) -%}
  {%- endif -%}
  {%- if changes.added or changes.removed -%}
    {%- do alter_relation_add_remove_columns(target_relation, changes.added, changes.removed) -%}
  {%- endif -%}
  {%- for change in changes.retyped -%}
    {%- do alter_column_type(target_relation, change.column.quoted, change.new_type) -%}
  {%- endfor -%}
{%- endmacro %}

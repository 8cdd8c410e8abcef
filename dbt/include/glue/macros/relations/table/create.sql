{% macro glue__create_table_as(temporary, relation, compiled_code, language='sql') -%}
  {%- if temporary -%}
    {{ create_temporary_view(relation, compiled_code) }}
  {%- else -%}
    {%- set table = glue__formatted(relation) -%}
    {%- set rows = glue__with_comments(table, compiled_code) if glue__writes_iceberg() else compiled_code -%}
    {{ glue__create_clauses('create table', table, names=glue__names_for_partitions(rows)) }}
    as
    {{ glue__in_order(rows) }}
  {%- endif -%}
{%- endmacro %}


{#-- Hudi's extension of Spark refuses a Hive-format table whose partition column is not in the case
     of the query: "Partition schema fields order does not match". There the query is asked. --#}
{% macro glue__names_for_partitions(sql) -%}
  {%- if config.get('partition_by') and not glue__model_format().datalake_format and adapter.session_has('hudi') -%}
    {{ return(get_column_schema_from_query(sql) | map(attribute='name') | list) }}
  {%- endif -%}
  {{ return(none) }}
{%- endmacro %}


{#-- The relation with the format of the model. A stored test result is read by core right after,
     through the cache, where it must be found with its format. --#}
{% macro glue__formatted(relation) -%}
  {%- set table = relation.incorporate(type='table', table_format=glue__model_format().name) -%}
  {%- if execute and model.resource_type == 'test' -%}
    {%- do adapter.cache_added(table) -%}
  {%- endif -%}
  {{ return(table) }}
{%- endmacro %}


{#-- `location` is where a build goes that is to take the table's place. --#}
{% macro glue__create_clauses(verb, table, columns=none, names=none, location=none) -%}
  {{ verb }} {{ table }}
  {% if columns %}({{ glue__column_definitions(columns, glue__persisted_descriptions()) }}){% endif %}
  {{ file_format_clause() }}
  {{ options_clause() }}
  {{ glue__partition_cols('partitioned by', names=names) if names else partition_cols(label='partitioned by') }}
  {{ clustered_cols(label='clustered by') }}
  {{ 'location ' ~ glue__literal(location) if location else glue__location_of(table) }}
  {{ comment_clause() }}
  {{ tblproperties_clause() }}
{%- endmacro %}


{% macro glue__column_definitions(columns, described={}) -%}
  {%- for column in columns -%}
    {%- set comment = glue__comment_of(column.name, described) -%}
    {{ column.quoted }} {{ column.sql_type }}{{ ' ' ~ comment if comment }}{{ ', ' if not loop.last }}
  {%- endfor -%}
{%- endmacro %}


{#-- What a table or increment is written from: the model's query, with the columns of its contract
     and the column that dbt-glue adds. --#}
{% macro glue__model_query(sql) -%}
  {{ return(glue__with_timestamp(glue__contracted(sql))) }}
{%- endmacro %}


{#-- CREATE TABLE AS takes no column list: a contract is checked before, and orders the columns. --#}
{% macro glue__contracted(sql) -%}
  {%- set contract = config.get('contract') -%}
  {%- if contract and contract.enforced -%}
    {{ get_assert_columns_equivalent(sql) }}
    {{ glue__warn_of_constraints() }}
    {{ get_select_subquery(sql) }}
  {%- else -%}
    {{ sql }}
  {%- endif -%}
{%- endmacro %}


{#-- dbt warns of the constraints that are not enforced when they are rendered. --#}
{% macro glue__warn_of_constraints() -%}
  {%- do adapter.render_raw_columns_constraints(raw_columns=model.columns) -%}
  {%- do adapter.render_raw_model_constraints(raw_constraints=model.constraints) -%}
{%- endmacro %}


{#-- Builds the table anew from a query, in the place of whatever has its name. Readers find the
     older rows until the new ones are whole, and so they do if the query fails. --#}
{% macro glue__build_table(existing_relation, target_relation, sql, statement_name='main') -%}
  {%- set format = glue__model_format() -%}
  {%- set same_format = existing_relation is not none and existing_relation.is_table
      and existing_relation.table_format == format.name -%}
  {{ glue__validate_sorted_by() }}
  {%- if format.unreadable -%}
    {{ glue__refuse_columns(target_relation, glue__typed_columns(sql)) }}
  {%- endif -%}
  {%- if existing_relation is none and format.managed -%}
    {{ glue__create_and_fill(target_relation, sql, statement_name) }}
  {%- elif existing_relation is none -%}
    {{ glue__clear_location(target_relation) }}
    {%- call statement(statement_name) -%}
      {{ create_table_as(False, target_relation, sql) }}
    {%- endcall -%}
  {%- elif same_format and format.create_or_replace
      and (not format.replaced_in_place or adapter.stays_in_place(existing_relation, target_relation, glue__custom_location())) -%}
    {{ glue__replace_table(target_relation, sql, statement_name) }}
  {%- else -%}
    {{ glue__rebuild_aside(existing_relation, target_relation, sql, statement_name) }}
  {%- endif -%}
  {{ glue__keep_order(target_relation) }}
{%- endmacro %}


{#-- CREATE TABLE AS has no place for comments of columns, and takes those of the columns that it
     reads: here of a view of the query. Made afterwards, they are a statement and a commit for each
     column, and a table that is replaced loses them, though the Data Catalog keeps its own. --#}
{% macro glue__with_comments(relation, sql) -%}
  {%- set described = glue__persisted_descriptions() -%}
  {%- if not described -%}
    {{ return(sql) }}
  {%- endif -%}
  {%- set names = get_column_schema_from_query(sql) | map(attribute='name') -%}
  {%- set view = make_temp_relation(relation) -%}
  {%- call statement('create_view_with_comments') -%}
    create or replace temporary view {{ view }} ({{ glue__described_names(names, described) }}) as
    {{ sql }}
  {%- endcall -%}
  {{ return('select * from ' ~ view) }}
{%- endmacro %}


{#-- What Iceberg is to keep in order is written in it; Spark sorts nothing by itself in a CTAS. --#}
{% macro glue__in_order(sql) -%}
  {%- if config.get('sorted_by') and glue__writes_iceberg() -%}
    select * from (
      {{ sql }}
    ) order by {{ glue__sort_keys() }}
  {%- else -%}
    {{ sql }}
  {%- endif -%}
{%- endmacro %}


{#-- CREATE TABLE has no clause for the order of an Iceberg table, which later writes follow. --#}
{% macro glue__keep_order(relation) -%}
  {%- if config.get('sorted_by') and glue__writes_iceberg() -%}
    {{ glue_exec_query('alter table ' ~ relation ~ ' write ordered by ' ~ glue__sort_keys()) }}
  {%- endif -%}
{%- endmacro %}


{#-- What Spark would say of the columns once the table that is there has been dropped. --#}
{% macro glue__refuse_columns(relation, columns) -%}
  {%- set names = columns | map(attribute='name') | map('lower') | list -%}
  {%- for column in columns -%}
    {%- if names.count(column.name | lower) > 1 -%}
      {%- do exceptions.raise_compiler_error(relation ~ ': the query has more than one column ' ~ column.name) -%}
    {%- elif column.dtype | lower == 'void' and not adapter.table_format(relation.table_format).void -%}
      {%- do exceptions.raise_compiler_error(
        relation ~ ': the column ' ~ column.name ~ ' has no type, which ' ~ relation.table_format
        ~ ' cannot store. Give it one: cast(null as string).'
      ) -%}
    {%- endif -%}
    {%- for type in adapter.table_format(relation.table_format).unreadable
        if modules.re.search('\\b' ~ type ~ '\\b', column.dtype | lower) -%}
      {%- do exceptions.raise_compiler_error(
        relation ~ ': the column ' ~ column.name ~ ' is ' ~ column.dtype ~ ', which Spark writes to '
        ~ relation.table_format ~ ' and then cannot read. Cast it to int.'
      ) -%}
    {%- endfor -%}
  {%- endfor -%}
{%- endmacro %}


{#-- Spark refuses CREATE TABLE AS into a folder that a failed run has left files in. What a
     custom_location holds is left alone: it may not be ours. --#}
{% macro glue__clear_location(relation) -%}
  {%- if glue__custom_location() is none -%}
    {%- do adapter.clear_location(relation, adapter.get_location(relation, as_clause=False)) -%}
  {%- endif -%}
{%- endmacro %}


{% macro glue__stage_view(target_relation, sql) -%}
  {%- set view = make_temp_relation(target_relation) -%}
  {%- call statement('create_temporary_view') -%}
    {{ create_temporary_view(view, sql) }}
  {%- endcall -%}
  {{ return(view) }}
{%- endmacro %}

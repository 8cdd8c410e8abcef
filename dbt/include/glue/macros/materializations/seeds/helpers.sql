{#-- seed_mode append adds the rows to a table that is there in the same format. --#}
{% macro glue__appends_seed(existing_relation, target_relation) -%}
  {{ return(
    (config.get('seed_mode') or target.get('seed_mode')) == 'append'
    and not should_full_refresh()
    and existing_relation is not none
    and existing_relation.table_format == target_relation.table_format
  ) }}
{%- endmacro %}


{#-- Rows travel as text in a file on S3 and get their types in one query. Returns that query. --#}
{% macro glue__load_seed(agate_table, existing_relation, target_relation, append) -%}
  {%- set upload = adapter.upload_seed(agate_table, target_relation, config.get('column_types')) -%}
  {%- set view = make_temp_relation(target_relation) -%}
  {%- call statement('create_seed_view') -%}
    create or replace temporary view {{ view }} (
    {%- for column in upload.columns %}
      {{ adapter.quote(column.name) }} string{{ ',' if not loop.last }}
    {%- endfor %}
    ) using json options (path {{ glue__literal(upload.path) }}, mode 'FAILFAST', columnNameOfCorruptRecord '')
  {%- endcall -%}
  {%- set seed_sql = glue__typed_seed_sql(view, upload.columns) -%}
  {%- if append -%}
    {%- call statement('append_seed') -%}
      insert into {{ target_relation }} ({{ get_quoted_csv(upload.columns | map(attribute='name')) }})
      {{ seed_sql }}
    {%- endcall -%}
  {%- else -%}
    {{ glue__build_table(existing_relation, target_relation, seed_sql, statement_name='create_seed') }}
  {%- endif -%}
  {%- do adapter.drop_relation(view) -%}
  {%- do adapter.delete_path(upload.path) -%}
  {{ return(seed_sql) }}
{%- endmacro %}


{% macro glue__typed_seed_sql(view, columns) -%}
  select
  {%- for column in columns %}
    {{ glue__typed_seed_column(column) }} as {{ adapter.quote(column.name) }}{{ ',' if not loop.last }}
  {%- endfor %}
  from {{ view }}
{%- endmacro %}


{#-- A value that its type cannot hold fails the seed, where CAST alone would load a null. --#}
{% macro glue__typed_seed_column(column) -%}
  {%- set name = adapter.quote(column.name) -%}
  {%- set type = column.type | lower -%}
  {%- set kind = type.split('<')[0].split('(')[0] | trim -%}
  {%- if kind in ('string', 'varchar', 'char') -%}
    {{ name if kind == 'string' else 'cast(' ~ name ~ ' as ' ~ column.type ~ ')' }}
  {%- else -%}
    {%- set typed = 'from_json(' ~ name ~ ', ' ~ glue__literal(column.type) ~ ')'
        if kind in ('array', 'map', 'struct') else 'cast(' ~ name ~ ' as ' ~ column.type ~ ')' -%}
    {%- set before = 'seed ' ~ model.name ~ ', column ' ~ column.name ~ ': cannot cast "' -%}
    case when {{ typed }} is null and trim({{ name }}) <> ''
      then raise_error(concat({{ glue__literal(before) }}, {{ name }}, {{ glue__literal('" to ' ~ column.type) }}))
      else {{ typed }} end
  {%- endif -%}
{%- endmacro %}


{#-- The names that projects of dbt-glue 1.12 know. --#}
{% macro glue__create_csv_table(model, agate_table) -%}
  {{ adapter.create_csv_table(model, agate_table) }}
{%- endmacro %}


{% macro glue__load_csv_rows(model, agate_table) -%}
  {{ return('') }}
{%- endmacro %}


{% macro glue__reset_csv_table(model, full_refresh, old_relation, agate_table) -%}
  {{ return(create_csv_table(model, agate_table)) }}
{%- endmacro %}

{#-- A view of the Data Catalog, over tables of every format. --#}
{% macro glue__create_view_as(relation, sql) -%}
  {%- set view = relation.incorporate(type='view') -%}
  {%- set contract = config.get('contract') -%}
  {%- if contract and contract.enforced -%}
    {{ get_assert_columns_equivalent(sql) }}
    {{ glue__warn_of_constraints() }}
  {%- endif %}
  create or replace view {{ view }}
  {%- set described = glue__persisted_descriptions() %}
  {%- if described %}
    ({{ glue__described_names(get_columns_in_query(sql), described) }})
  {%- endif %}
  {{ comment_clause() }}
  as
  {{ sql }}
{%- endmacro %}


{% macro glue__described_names(names, described) -%}
  {%- for name in names -%}
    {%- set comment = glue__comment_of(name, described) -%}
    {{ adapter.quote(name) }}{{ ' ' ~ comment if comment }}{{ ', ' if not loop.last }}
  {%- endfor -%}
{%- endmacro %}


{% macro glue__create_temporary_view(relation, compiled_code) -%}
  create or replace temporary view {{ glue__session_view(relation) }} as
  {{ compiled_code }}
{%- endmacro %}


{#-- A temporary view belongs to the session, not to a schema. --#}
{% macro glue__session_view(relation) -%}
  {{ return(relation.incorporate(type='view').include(database=false, schema=false)) }}
{%- endmacro %}


{% macro glue__get_replace_view_sql(relation, sql) -%}
  {{ create_view_as(relation, sql) }}
{%- endmacro %}


{#-- A view in the place of a table: made under another name first, so that an error in it costs
     nothing. --#}
{% macro glue__replace_table_by_view(existing_relation, target_relation, sql) -%}
  {%- set build = adapter.begin_build(target_relation, kind='view') -%}
  {%- call statement('main') -%}
    {{ get_create_view_as_sql(build, sql) }}
  {%- endcall -%}
  {{ glue__put_in_place(build, existing_relation, target_relation) }}
{%- endmacro %}

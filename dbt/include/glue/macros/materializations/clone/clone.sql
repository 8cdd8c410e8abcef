{% materialization clone, adapter='glue' -%}
  {%- if not defer_relation -%}
    {{ log('No relation found in state manifest for ' ~ model.unique_id, info=True) }}
    {{ return({'relations': []}) }}
  {%- endif -%}
  {%- set existing_relation = load_cached_relation(this) -%}
  {%- if existing_relation is not none and not flags.FULL_REFRESH -%}
    {{ log('Relation ' ~ existing_relation ~ ' already exists', info=True) }}
    {{ return({'relations': []}) }}
  {%- endif -%}
  {%- if this.database == defer_relation.database
      and this.matches(schema=defer_relation.schema, identifier=defer_relation.identifier) -%}
    {{ log('Target relation and defer relation are the same, skipping clone for relation: ' ~ this, info=True) }}
    {{ return({'relations': []}) }}
  {%- endif -%}

  {%- do apply_grants(this, config.get('grants'), should_revoke=existing_relation is not none) -%}
  {%- set source = glue__relation_to_clone(defer_relation) -%}
  {%- if this.database -%}
    {%- set target_relation = glue__clone_by_copy(source, existing_relation) -%}
  {%- elif source.is_table and can_clone_table() and adapter.table_format(source.table_format).clone -%}
    {%- set target_relation = glue__clone_table(source, existing_relation) -%}
  {%- else -%}
    {%- set target_relation = glue__clone_as_view(source, existing_relation) -%}
  {%- endif -%}

  {%- do persist_docs(target_relation, model, for_relation=false) -%}
  {{ glue__apply_lake_formation(target_relation) }}
  {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}


{#-- A project may say no, as on other adapters: then every clone is a view. --#}
{% macro glue__can_clone_table() -%}
  {{ return(True) }}
{%- endmacro %}


{#-- What the state's manifest names may not have been built, or be gone. --#}
{% macro glue__relation_to_clone(defer_relation) -%}
  {%- set source = load_cached_relation(defer_relation) -%}
  {%- if source is none -%}
    {%- do exceptions.raise_compiler_error(
      'clone: got ' ~ defer_relation.render_bare() ~ ' from the state, expected a table or view in the Data Catalog. '
      'Build it first, or leave it out with --exclude ' ~ model.name ~ '.'
    ) -%}
  {%- endif -%}
  {{ return(source) }}
{%- endmacro %}


{#-- A table of its own over the data files of the other one. In the place of another one it is made
     under another name first, so that readers find either, and so they do if it cannot be made. --#}
{% macro glue__clone_table(source, existing_relation) -%}
  {%- set target_relation = this.incorporate(type='table', table_format=source.table_format) -%}
  {{ glue__refuse_to_clone(source, existing_relation, glue__clone_location(target_relation)) }}
  {%- if existing_relation is none -%}
    {{ glue__clear_location(target_relation) }}
    {{ glue__make_clone(target_relation, source) }}
  {%- else -%}
    {%- set build = adapter.begin_build(target_relation, glue__custom_location()) -%}
    {{ glue__make_clone(build, source) }}
    {{ glue__put_in_place(build, existing_relation, target_relation) }}
  {%- endif -%}
  {{ return(target_relation) }}
{%- endmacro %}


{% macro glue__make_clone(relation, source) -%}
  {%- call statement('main') -%}
    {{ create_or_replace_clone(relation, source) }}
  {%- endcall -%}
{%- endmacro %}


{#-- A table bucket takes no files of another table, and no view: the rows are copied. --#}
{% macro glue__clone_by_copy(source, existing_relation) -%}
  {%- set target_relation = glue__target_table() -%}
  {{ glue__build_table(existing_relation, target_relation, 'select * from ' ~ source) }}
  {{ return(target_relation) }}
{%- endmacro %}


{#-- What cannot be cloned without a copy is read through a view. --#}
{% macro glue__clone_as_view(source, existing_relation) -%}
  {%- set target_relation = this.incorporate(type='view', table_format=none) -%}
  {%- set sql = 'select * from ' ~ source -%}
  {%- if existing_relation is not none and not existing_relation.is_view -%}
    {{ glue__refuse_to_clone(source, existing_relation, none) }}
    {{ glue__replace_table_by_view(existing_relation, target_relation, sql) }}
  {%- else -%}
    {%- call statement('main') -%}
      {{ get_create_view_as_sql(target_relation, sql) }}
    {%- endcall -%}
  {%- endif -%}
  {{ return(target_relation) }}
{%- endmacro %}


{% macro glue__clone_location(relation) -%}
  {{ return(adapter.build_location(relation) or adapter.get_location(relation, glue__custom_location(), as_clause=False)) }}
{%- endmacro %}


{#-- Nothing is replaced or cleared where the source's data lies. --#}
{% macro glue__refuse_to_clone(source, existing_relation, location) -%}
  {%- set is_table = existing_relation is not none and not existing_relation.is_view -%}
  {%- set recorded = adapter.recorded_location(existing_relation) if is_table else none -%}
  {%- do adapter.refuse_to_clone_into(source, this, location, recorded) -%}
{%- endmacro %}


{% macro glue__create_or_replace_clone(this_relation, defer_relation) -%}
  {%- if this_relation.is_iceberg -%}
    {{ glue__register_clone(this_relation, defer_relation) }}
  {%- else -%}
    create table {{ this_relation }} shallow clone {{ defer_relation }}
    tblproperties ({{ glue__pairs(adapter.clone_properties(defer_relation)) }})
    location {{ glue__literal(glue__clone_location(this_relation)) }}
  {%- endif -%}
{%- endmacro %}


{#-- Iceberg has no CLONE; a metadata file that names the other table's files does the same. --#}
{% macro glue__register_clone(relation, source) -%}
  {%- set metadata = adapter.write_clone_metadata(source, glue__clone_location(relation)) -%}
  call {{ relation.render() | replace('.' ~ relation.render_bare(), '') }}.system.register_table(
    table => {{ glue__literal(relation.render_bare()) }}, metadata_file => {{ glue__literal(metadata) }}
  )
{%- endmacro %}

{#-- A relation's comment is set when it is created, but for Hudi, whose CREATE TABLE AS drops it;
     `for_relation` is for tables that stay. --#}
{% macro glue__persist_docs(relation, model, for_relation=true, for_columns=true) -%}
  {%- if (for_relation or relation.is_hudi) and config.persist_relation_docs() and model.description -%}
    {{ glue_exec_query(alter_relation_comment(relation, model.description)) }}
  {%- endif -%}
  {%- if for_columns and config.persist_column_docs() and model.columns and not relation.is_view -%}
    {%- set existing = adapter.get_columns_in_relation(relation) -%}
    {%- set documented = validate_doc_columns(relation, model.columns, existing | map(attribute='name') | list) -%}
    {{ alter_column_comment(relation, glue__changed_comments(existing, documented)) }}
  {%- endif -%}
{%- endmacro %}


{% macro glue__changed_comments(existing, documented) -%}
  {%- set comments = {} -%}
  {%- for column in existing -%}
    {%- do comments.update({column.name | lower: column.comment or ''}) -%}
  {%- endfor -%}
  {%- set changed = {} -%}
  {%- for name, column in documented.items() -%}
    {%- if glue__column_comment(column.description) != comments[name | lower] -%}
      {%- do changed.update({name: column}) -%}
    {%- endif -%}
  {%- endfor -%}
  {{ return(changed) }}
{%- endmacro %}


{% macro glue__alter_relation_comment(relation, relation_comment) -%}
  {%- if relation.is_view -%}
    alter view {{ relation }} set tblproperties ('comment' = {{ glue__literal(relation_comment) }})
  {%- else -%}
    comment on table {{ relation }} is {{ glue__literal(relation_comment) }}
  {%- endif -%}
{%- endmacro %}


{% macro glue__alter_column_comment(relation, column_dict) -%}
  {%- set keys = glue__partitions_of_files(relation) if column_dict else [] -%}
  {%- set for_the_catalog = {} -%}
  {%- for name, column in column_dict.items() -%}
    {%- set comment = glue__column_comment(column.description) -%}
    {%- if relation.is_hudi or name | lower in keys -%}
      {%- do for_the_catalog.update({name | lower: comment}) -%}
    {%- else -%}
      {{ glue_exec_query('alter table ' ~ relation ~ ' alter column ' ~ adapter.quote(name)
          ~ ' comment ' ~ glue__literal(comment)) }}
    {%- endif -%}
  {%- endfor -%}
  {%- if for_the_catalog -%}
    {%- do adapter.comment_columns(relation, for_the_catalog) -%}
    {%- if not relation.is_hudi -%}
      {{ glue_exec_query('refresh table ' ~ relation) }}
    {%- endif -%}
  {%- endif -%}
{%- endmacro %}


{#-- The partition columns of a table of plain files, which Spark's ALTER COLUMN does not find: it
     looks among the columns of the data alone. --#}
{% macro glue__partitions_of_files(relation) -%}
  {%- set names = [] -%}
  {%- if not adapter.table_format(relation.table_format).datalake_format -%}
    {%- for column in adapter.get_columns_in_relation(relation) if column.partition -%}
      {%- do names.append(column.name | lower) -%}
    {%- endfor -%}
  {%- endif -%}
  {{ return(names) }}
{%- endmacro %}


{#-- A column's description as Glue takes it: one line of at most 255 characters. --#}
{% macro glue__column_comment(description) -%}
  {{ return(adapter.column_comment(description)) }}
{%- endmacro %}


{#-- The comments that persist_docs asks for of columns, by the column's name in lower case. --#}
{% macro glue__persisted_descriptions() -%}
  {%- set described = {} -%}
  {%- if config.persist_column_docs() -%}
    {%- for name, column in model.columns.items() if column.description -%}
      {%- do described.update({name | lower: glue__column_comment(column.description)}) -%}
    {%- endfor -%}
  {%- endif -%}
  {{ return(described) }}
{%- endmacro %}


{% macro glue__comment_of(name, described) -%}
  {%- if name | lower in described -%}
    comment {{ glue__literal(described[name | lower]) }}
  {%- endif -%}
{%- endmacro %}

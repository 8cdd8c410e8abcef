{#-- The strategy of the model. Hudi tables with a key are merged unless told otherwise, as in
     dbt-glue 1.12, where every write to Hudi is an upsert. --#}
{% macro glue__incremental_strategy() -%}
  {%- set format = glue__model_format() -%}
  {%- set strategy = config.get('incremental_strategy')
      or ('merge' if format.name == 'hudi' else 'insert_overwrite') -%}
  {%- set possible = ['append', 'insert_overwrite'] + (['merge'] if format.merge else []) -%}
  {%- if strategy == 'merge' and not format.merge -%}
    {%- do exceptions.raise_compiler_error(
      "incremental_strategy: got 'merge' for file_format " ~ format.name ~ ", which can do "
      ~ possible | join(', ') ~ ". Merge needs file_format iceberg, delta or hudi."
    ) -%}
  {%- endif -%}
  {%- if format.unique_key_required and strategy == 'merge' and not config.get('unique_key') -%}
    {%- do exceptions.raise_compiler_error(
      'unique_key: got none, expected one or more columns: ' ~ format.name ~ ' merges rows by key'
    ) -%}
  {%- endif -%}
  {%- if strategy not in possible and 'get_incremental_' ~ strategy ~ '_sql' not in context -%}
    {%- do exceptions.raise_compiler_error(
      "incremental_strategy: got '" ~ strategy ~ "', expected one of " ~ possible | join(', ')
      ~ ' for file_format ' ~ format.name ~ '. As a strategy of your own: dbt could not find an '
      ~ 'incremental strategy macro with the name "get_incremental_' ~ strategy ~ '_sql" in the project'
    ) -%}
  {%- endif -%}
  {{ return(strategy) }}
{%- endmacro %}

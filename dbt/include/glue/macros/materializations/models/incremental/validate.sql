{#-- The strategy of the model, once the format and the other configs are seen to go with it. --#}
{% macro glue__incremental_strategy() -%}
  {%- set format = glue__model_format() -%}
  {%- set strategy = config.get('incremental_strategy') or adapter.default_incremental_strategy(format.name) -%}
  {%- set own = 'get_incremental_' ~ (strategy | replace('+', '_')) ~ '_sql' in context -%}
  {%- set refusal = adapter.incremental_refusal(format.name, strategy, model.config, own) -%}
  {%- if refusal -%}
    {%- do exceptions.raise_compiler_error(refusal) -%}
  {%- endif -%}
  {{ return(strategy) }}
{%- endmacro %}

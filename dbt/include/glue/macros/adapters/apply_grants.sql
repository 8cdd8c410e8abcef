{#-- The adapter refuses the config before a node runs, but dbt does not ask it before a clone. --#}
{% macro glue__apply_grants(relation, grant_config, should_revoke=True) -%}
  {%- do adapter.refuse_grants(grant_config) -%}
{%- endmacro %}


{% macro glue__copy_grants() -%}
  {{ return(False) }}
{%- endmacro %}


{#-- Lake Formation is not called unless a config asks: most accounts do not use it, and most roles
     may not call it. --#}
{% macro glue__apply_lake_formation(relation) -%}
  {%- if config.get('lf_tags_config') is not none -%}
    {%- do adapter.add_lf_tags(relation, config.get('lf_tags_config')) -%}
  {%- endif -%}
  {%- if config.get('lf_grants') is not none -%}
    {%- do adapter.apply_lf_grants(relation, config.get('lf_grants')) -%}
  {%- endif -%}
{%- endmacro %}

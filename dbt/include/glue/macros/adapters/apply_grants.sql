{#-- The Data Catalog has no GRANT in SQL: a `grants` config would have no effect at all. --#}
{% macro glue__apply_grants(relation, grant_config, should_revoke=True) -%}
  {%- if grant_config -%}
    {%- do exceptions.raise_compiler_error(
      relation ~ ': the config `grants` has no meaning on AWS Glue, where access is given by IAM and '
      'Lake Formation. Remove it, and grant in Lake Formation (or with the config lf_grants).'
    ) -%}
  {%- endif -%}
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

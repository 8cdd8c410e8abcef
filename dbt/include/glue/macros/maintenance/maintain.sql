{#-- What the config `maintenance` asks for after a run of the model; a view has no files. --#}
{% macro glue__maintain_after_run(relation) -%}
  {%- if config.get('maintenance') and not relation.is_view -%}
    {%- do adapter.maintain_after_run(relation, config.get('maintenance')) -%}
  {%- endif -%}
{%- endmacro %}


{#-- `dbt run-operation glue_maintain`: what the config `maintenance` of the project's nodes asks
     for, at an hour of its own. select: names of nodes, or `tag:<tag>`; all, if not given.
     maintenance: in place of the config. relation: a table `schema.table` of any origin. --#}
{% macro glue_maintain(select=none, relation=none, maintenance=none, dry_run=false) -%}
  {%- if execute -%}
    {%- do adapter.maintain_all(graph.nodes, select, relation, maintenance, dry_run) -%}
  {%- endif -%}
{%- endmacro %}

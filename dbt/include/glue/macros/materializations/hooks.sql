{#-- The pre-hooks: those of before_begin() first. Core's run_hooks runs hooks of one kind only, and
     sends a `commit;` before those outside of a transaction, of which Spark has none. --#}
{% macro glue__run_pre_hooks() -%}
  {{ glue__run_outer_hooks(pre_hooks) }}
  {{ run_hooks(pre_hooks) }}
{%- endmacro %}


{#-- The post-hooks: those of after_commit() last. --#}
{% macro glue__run_post_hooks() -%}
  {{ run_hooks(post_hooks) }}
  {{ glue__run_outer_hooks(post_hooks) }}
{%- endmacro %}


{% macro glue__run_outer_hooks(hooks) -%}
  {%- for hook in hooks | rejectattr('transaction') -%}
    {%- set rendered = render(hook.get('sql')) | trim -%}
    {%- if rendered -%}
      {%- call statement(auto_begin=false) -%}
        {{ rendered }}
      {%- endcall -%}
    {%- endif -%}
  {%- endfor -%}
{%- endmacro %}

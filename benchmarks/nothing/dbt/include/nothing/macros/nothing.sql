{% macro nothing__load_csv_rows(model, agate_table) %}
    {{ return('') }}
{% endmacro %}

{% macro nothing__rename_relation(from_relation, to_relation) %}{% endmacro %}

{% macro nothing__drop_relation(relation) %}{% endmacro %}

{% macro nothing__list_relations_without_caching(schema_relation) %}
    {{ return([]) }}
{% endmacro %}

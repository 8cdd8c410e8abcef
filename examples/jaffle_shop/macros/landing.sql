{#- Customers rate their order on a tablet by the door, and another system writes those ratings
    to S3. These two hooks stand in for it, so that the project has a source to read. -#}

{% macro ratings_landing() -%}
    `{{ target.schema }}`.`landing_ratings`
{%- endmacro %}

{% macro create_ratings_landing() %}
    create table if not exists {{ ratings_landing() }} (
        order_id bigint, stars int, words string, loaded_at timestamp
    )
    using parquet
    location '{{ target.location }}/landing/ratings'
{% endmacro %}

{% macro land_ratings() %}
    insert overwrite table {{ ratings_landing() }}
    select cast(order_id as bigint), stars, words, current_timestamp()
    from values
        (1001, 5, 'crisp at the edges'),
        (1004, 4, 'it''s good; "proper" mustard'),
        (1013, 2, 'cold in the middle'),
        (1030, 5, 'très bien 🥪'),
        (1077, 3, 'queue was long\\slow'),
        (1121, 5, 'again tomorrow'),
        (1150, 1, 'they forgot the pickles'),
        (1188, 4, 'fine -- just fine')
        as landed(order_id, stars, words)
{% endmacro %}

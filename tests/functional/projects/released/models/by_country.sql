{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by=['country']
) }}
select parcel_id, weight_kg, country
from {{ ref('parcel_towns') }}
{% if is_incremental() %}
where country = 'SE'
{% endif %}

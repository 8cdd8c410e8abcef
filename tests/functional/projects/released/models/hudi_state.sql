{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key='parcel_id',
    file_format='hudi'
) }}
select parcel_id, town, {{ var('batch') }} as batch
from {{ ref('parcels') }}
{% if is_incremental() %}
where parcel_id >= 4
union all
select 6, 'Brno', {{ var('batch') }}
{% endif %}

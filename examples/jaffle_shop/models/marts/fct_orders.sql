{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key='order_id',
    file_format='iceberg',
    partition_by=['days(placed_at)']
) }}

select order_id, shop_id, customer_id, placed_at, status, updated_at, items, total
from {{ ref('order_totals') }}
{% if is_incremental() %}
where updated_at > (select max(updated_at) from {{ this }}) or status = 'open'
   or order_id in (select order_id from {{ this }} where status = 'open')
{% endif %}

{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by=['order_date']
) }}

-- The last day seen is written again, since its orders may have been cancelled; the partitions
-- before it are not touched.
select
    shop_id,
    count(*) as orders,
    cast(sum(total) as decimal(12, 2)) as revenue,
    order_date
from {{ ref('order_totals') }}
where status <> 'cancelled'
{% if is_incremental() %}
    and order_date >= (select max(order_date) from {{ this }})
{% endif %}
group by shop_id, order_date

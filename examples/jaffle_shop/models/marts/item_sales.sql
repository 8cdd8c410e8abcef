{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key=['item_id'],
    file_format='hudi'
) }}

select
    lines.item_id,
    sum(lines.quantity) as sold,
    cast(sum(lines.amount) as decimal(12, 2)) as revenue
from {{ ref('stg_priced_lines') }} as lines
join {{ ref('stg_orders') }} as orders on orders.order_id = lines.order_id
where orders.status <> 'cancelled'
group by lines.item_id

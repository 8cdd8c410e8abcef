select
    orders.order_id,
    orders.shop_id,
    orders.customer_id,
    orders.placed_at,
    cast(orders.placed_at as date) as order_date,
    orders.status,
    orders.updated_at,
    coalesce(sum(lines.quantity), 0) as items,
    cast(coalesce(sum(lines.amount), 0) as decimal(10, 2)) as total
from {{ ref('stg_orders') }} as orders
left join {{ ref('stg_priced_lines') }} as lines on lines.order_id = orders.order_id
group by
    orders.order_id, orders.shop_id, orders.customer_id, orders.placed_at, orders.status,
    orders.updated_at

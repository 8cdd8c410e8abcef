{{ config(materialized='ephemeral') }}

-- What a line cost is the price on the day it was ordered, not today's.
select
    lines.line_id,
    lines.order_id,
    lines.item_id,
    lines.quantity,
    lines.quantity * case
        when menu.new_price_from <= cast(orders.placed_at as date) then menu.new_price
        else menu.price
    end as amount
from {{ ref('raw_order_lines') }} as lines
join {{ ref('stg_orders') }} as orders on orders.order_id = lines.order_id
join {{ ref('raw_menu') }} as menu on menu.item_id = lines.item_id

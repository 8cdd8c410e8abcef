select orders.order_id, orders.placed_at, shops.opened_on
from {{ ref('fct_orders') }} as orders
join {{ ref('dim_shops') }} as shops on shops.shop_id = orders.shop_id
where cast(orders.placed_at as date) < shops.opened_on

select
    orders.shop_id,
    count(*) as ratings,
    cast(avg(ratings.stars) as decimal(3, 2)) as stars
from {{ source('landing', 'landing_ratings') }} as ratings
join {{ ref('fct_orders') }} as orders on orders.order_id = ratings.order_id
group by orders.shop_id

select
    order_id,
    shop_id,
    customer_id,
    placed_at,
    case when closed_on <= {{ as_of() }} then closed_as else 'open' end as status,
    cast(case when closed_on <= {{ as_of() }} then closed_on else placed_at end as timestamp)
        as updated_at
from {{ ref('raw_orders') }}
where cast(placed_at as date) <= {{ as_of() }}

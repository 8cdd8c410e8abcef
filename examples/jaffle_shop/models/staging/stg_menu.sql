select
    item_id,
    item_name,
    category,
    case when new_price_from <= {{ as_of() }} then new_price else price end as price
from {{ ref('raw_menu') }}

select
    customer_id,
    customer_name,
    joined_on,
    home_shop_id,
    case when new_tier_from <= {{ as_of() }} then new_tier else tier end as tier,
    cast(
        case when new_tier_from <= {{ as_of() }} then new_tier_from else joined_on end as timestamp
    ) as updated_at
from {{ ref('raw_customers') }}

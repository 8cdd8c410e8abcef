select shop_id, shop_name, city, opened_on, seats
from {{ ref('raw_shops') }}
where opened_on <= {{ as_of() }}

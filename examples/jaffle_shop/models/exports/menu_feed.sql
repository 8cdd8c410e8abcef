{{ config(file_format='json') }}

-- For the delivery apps.
select item_id, item_name, category, price
from {{ ref('dim_menu') }}

{{ config(
    file_format='iceberg',
    post_hook="alter table {{ this }} set tblproperties ('team' = 'stores')"
) }}

select shop_id, shop_name, city, opened_on, seats
from {{ ref('stg_shops') }}

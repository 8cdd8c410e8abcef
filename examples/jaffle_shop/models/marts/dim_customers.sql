{{ config(file_format='delta') }}

select
    customers.customer_id,
    customers.customer_name,
    customers.tier,
    customers.joined_on,
    shops.shop_name as home_shop
from {{ ref('stg_customers') }} as customers
left join {{ ref('stg_shops') }} as shops on shops.shop_id = customers.home_shop_id

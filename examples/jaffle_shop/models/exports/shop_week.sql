{{ config(file_format='orc') }}

select
    shops.shop_name,
    weekday(sales.order_date) as weekday,
    sum(sales.revenue) as revenue
from {{ ref('sales_by_day') }} as sales
join {{ ref('dim_shops') }} as shops on shops.shop_id = sales.shop_id
group by shops.shop_name, weekday(sales.order_date)

{{ config(file_format='csv') }}

-- For the bank: what was taken each day.
select order_date, sum(orders) as orders, sum(revenue) as revenue
from {{ ref('sales_by_day') }}
group by order_date

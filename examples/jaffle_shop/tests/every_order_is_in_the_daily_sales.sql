-- The parquet table that replaces partitions and the Iceberg table that merges must agree.
select coalesce(by_day.order_date, by_order.order_date) as order_date
from (
    select order_date, sum(revenue) as revenue from {{ ref('sales_by_day') }} group by order_date
) as by_day
full outer join (
    select cast(placed_at as date) as order_date, sum(total) as revenue
    from {{ ref('fct_orders') }}
    where status <> 'cancelled'
    group by cast(placed_at as date)
) as by_order on by_order.order_date = by_day.order_date
where coalesce(by_day.revenue, 0) <> coalesce(by_order.revenue, 0)

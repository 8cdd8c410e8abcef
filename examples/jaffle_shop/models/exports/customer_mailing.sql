{{ config(file_format='avro') }}

select customers.customer_name, customers.tier, points.points, points.first_seen_on
from {{ ref('dim_customers') }} as customers
join {{ ref('loyalty_points') }} as points on points.customer_id = customers.customer_id

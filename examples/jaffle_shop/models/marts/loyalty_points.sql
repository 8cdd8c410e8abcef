{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key='customer_id',
    file_format='delta',
    merge_exclude_columns=['first_seen_on']
) }}

-- Ten points for each euro spent. first_seen_on is written once and then kept.
select
    customer_id,
    count(*) as orders,
    cast(floor(sum(total) * 10) as int) as points,
    cast(min(placed_at) as date) as first_seen_on
from {{ ref('fct_orders') }}
where customer_id is not null and status = 'collected'
group by customer_id

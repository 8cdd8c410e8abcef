{{ config(materialized='incremental', incremental_strategy='append') }}

-- One row when an order is placed and one when it is closed; what was written stays as it is.
with events as (
    select order_id, 'placed' as event, cast(placed_at as date) as event_date
    from {{ ref('stg_orders') }}
    union all
    select order_id, status, cast(updated_at as date)
    from {{ ref('stg_orders') }}
    where status <> 'open'
)

select order_id, event, event_date
from events
{% if is_incremental() %}
where event_date > (select max(event_date) from {{ this }})
{% endif %}

{{ config(file_format='hudi', unique_key='item_id') }}

select item_id, item_name, category, price
from {{ ref('stg_menu') }}

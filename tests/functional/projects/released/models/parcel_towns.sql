{{ config(materialized='view') }}
select parcels.parcel_id, parcels.town, towns.country, parcels.weight_kg
from {{ ref('parcels') }} as parcels
join {{ ref('towns') }} as towns on towns.town = parcels.town

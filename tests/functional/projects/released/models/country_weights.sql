select country, count(*) as parcels, sum(weight_kg) as weight_kg
from {{ ref('parcel_towns') }}
group by country

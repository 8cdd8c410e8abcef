-- The released adapter reads Iceberg tables only with the catalog before the name, which generic
-- tests do not put there.
select parcel_id
from glue_catalog.{{ ref('iceberg_state') }}
group by parcel_id
having count(*) > 1

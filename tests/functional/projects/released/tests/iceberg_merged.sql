{{ config(enabled=var('batch') == 2) }}
-- After the second run: six parcels, three of them (4, 5 and the new 6) of batch 2.
select parcels, of_batch_2
from (
    select count(*) as parcels, sum(case when batch = 2 then 1 else 0 end) as of_batch_2
    from glue_catalog.{{ ref("iceberg_state") }}
) as counted
where parcels <> 6 or of_batch_2 <> 3

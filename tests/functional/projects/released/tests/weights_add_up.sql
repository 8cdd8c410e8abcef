select 1
from (select sum(weight_kg) as total from {{ ref('country_weights') }}) as summed
where abs(total - 24.45) > 0.001

select n, word from {{ ref('numbers') }} where length(word) = 3

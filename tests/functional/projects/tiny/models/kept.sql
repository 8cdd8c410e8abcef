{{ config(materialized='incremental', incremental_strategy='merge', unique_key='n',
          file_format='iceberg') }}
select n, word from {{ ref('short_words') }}

{#-- The format of the model being built: an object with the abilities of `file_format`. --#}
{% macro glue__model_format() -%}
  {%- if this.database -%}
    {{ return(adapter.validate_file_format('s3tables')) }}
  {%- endif -%}
  {%- if model.resource_type == 'seed' -%}
    {{ return(adapter.validate_file_format(config.get('file_format') or target.get('seed_format'))) }}
  {%- endif -%}
  {{ return(adapter.validate_file_format(config.get('file_format'))) }}
{%- endmacro %}


{#-- `this` as the table that the config describes. --#}
{% macro glue__target_table() -%}
  {{ return(this.incorporate(type='table', table_format=glue__model_format().name)) }}
{%- endmacro %}


{#-- A value as a Spark string literal, whatever it holds. --#}
{% macro glue__literal(value) -%}
  {{ return(adapter.literal(value)) }}
{%- endmacro %}


{#-- A config that upstream takes as 'True' and YAML as true. --#}
{% macro glue__is_true(value) -%}
  {{ return(value | string | lower == 'true') }}
{%- endmacro %}


{#-- A column name in backticks, unless it has them. --#}
{% macro glue__quote_column(name) -%}
  {{ return(name if name.startswith('`') else adapter.quote(name)) }}
{%- endmacro %}


{% macro glue__as_list(value) -%}
  {{ return([] if value is none else ([value] if value is string else value | list)) }}
{%- endmacro %}


{% macro glue__file_format_clause() -%}
  using {{ glue__model_format().provider or glue__model_format().name }}
{%- endmacro %}


{#-- Iceberg's options are table properties: SQL gives them to the table, not to the write. --#}
{% macro glue__options_clause() -%}
  {%- set options = {} if glue__writes_iceberg() else glue__write_options() -%}
  {%- if options %}options ({{ glue__pairs(options) }}){% endif -%}
{%- endmacro %}


{% macro glue__write_options() -%}
  {{ return(adapter.file_options(
    config.get('write_options') or config.get('options'), glue__model_format().name
  )) }}
{%- endmacro %}


{% macro glue__writes_iceberg() -%}
  {{ return(glue__model_format().datalake_format == 'iceberg') }}
{%- endmacro %}


{% macro glue__pairs(values) -%}
  {%- for key, value in values.items() -%}
    {{ glue__literal(key) }} = {{ glue__literal(value | lower if value is boolean else value) }}
    {%- if not loop.last %}, {% endif -%}
  {%- endfor -%}
{%- endmacro %}


{#-- Names are quoted; transforms such as days(ts) pass as they are. `names`, where they are known,
     are the query's: a column is written in their case. --#}
{% macro glue__partition_cols(label, required=false, names=none) -%}
  {%- set columns = [] -%}
  {%- set of_the_query = {} -%}
  {%- for name in names or [] -%}
    {%- do of_the_query.update({name | lower: name}) -%}
  {%- endfor -%}
  {%- for item in adapter.partition_items(config.get('partition_by')) -%}
    {%- set name = of_the_query.get(item.text | lower, item.text) -%}
    {%- set name = glue__hudi_name(name) if glue__model_format().name == 'hudi' else name -%}
    {%- do columns.append(adapter.quote(name) if item.is_name else name) -%}
  {%- endfor -%}
  {%- if columns %}{{ label }} ({{ columns | join(', ') }}){% endif -%}
{%- endmacro %}


{#-- The columns of partition_by, without backticks. --#}
{% macro glue__partition_names() -%}
  {{ return(adapter.partition_items(config.get('partition_by')) | map(attribute='text') | list) }}
{%- endmacro %}


{% macro glue__clustered_cols(label, required=false) -%}
  {%- set columns = glue__as_list(config.get('clustered_by')) -%}
  {%- set buckets = config.get('buckets') -%}
  {%- if columns and buckets is none -%}
    {%- do exceptions.raise_compiler_error('clustered_by needs buckets: the number of buckets to write') -%}
  {%- endif -%}
  {%- if columns -%}
    {{ label }} ({{ get_quoted_csv(columns) }})
    {%- if config.get('sorted_by') and not glue__writes_iceberg() %} sorted by ({{ glue__sort_keys() }}){% endif %}
    into {{ buckets }} buckets
  {%- endif -%}
{%- endmacro %}


{#-- `name`, `name desc` or, on Iceberg, any sort key that it knows. --#}
{% macro glue__sort_keys() -%}
  {%- set keys = [] -%}
  {%- for item in glue__as_list(config.get('sorted_by')) -%}
    {%- set found = modules.re.fullmatch('(?i)([\\w-]+)(\\s+(?:asc|desc)\\b.*)?', item | trim) -%}
    {%- do keys.append(adapter.quote(found.group(1)) ~ (found.group(2) or '') if found else item) -%}
  {%- endfor -%}
  {{ keys | join(', ') }}
{%- endmacro %}


{#-- Refuses a sort order that nothing would keep. --#}
{% macro glue__validate_sorted_by() -%}
  {%- set format = glue__model_format().name -%}
  {%- if config.get('sorted_by') and not glue__writes_iceberg() -%}
    {%- if format in ('delta', 'hudi') -%}
      {%- do exceptions.raise_compiler_error(
        'sorted_by: got ' ~ config.get('sorted_by') ~ ' for file_format ' ~ format
        ~ ', which keeps no sort order. Remove it, or use file_format iceberg.'
      ) -%}
    {%- elif not config.get('clustered_by') -%}
      {%- do exceptions.raise_compiler_error(
        'sorted_by: got ' ~ config.get('sorted_by') ~ ' without clustered_by: rows of ' ~ format
        ~ ' are sorted within buckets. Set clustered_by and buckets, or use file_format iceberg.'
      ) -%}
    {%- endif -%}
  {%- endif -%}
{%- endmacro %}


{% macro glue__location_clause() -%}
  {{ glue__location_of(this) }}
{%- endmacro %}


{% macro glue__location_of(relation) -%}
  {{ adapter.get_location(relation, custom_location=glue__custom_location()) }}
{%- endmacro %}


{#-- The config, with {schema} and {name} filled in. --#}
{% macro glue__custom_location() -%}
  {{ return(adapter.custom_location(this, config.get('custom_location'))) }}
{%- endmacro %}


{% macro glue__comment_clause() -%}
  {%- if glue__comment() is not none -%}
    comment {{ glue__literal(glue__comment()) }}
  {%- endif -%}
{%- endmacro %}


{#-- The comment that the relation is to have; none where the config does not ask for one. --#}
{% macro glue__comment() -%}
  {{ return((model.description or none) if config.persist_relation_docs() else none) }}
{%- endmacro %}


{% macro glue__tblproperties_clause() -%}
  {{ set_table_properties(glue__table_properties()) }}
{%- endmacro %}


{#-- What the table is to have as TBLPROPERTIES, all as text. --#}
{% macro glue__table_properties() -%}
  {%- set properties = {} -%}
  {%- if glue__model_format().name == 'hudi' -%}
    {%- do properties.update(glue__hudi_properties()) -%}
  {%- endif -%}
  {%- for key in ('tblproperties', 'table_properties') -%}
    {%- do properties.update(adapter.config_texts(key, config.get(key))) -%}
  {%- endfor -%}
  {%- if glue__model_format().name == 'hudi' -%}
    {{ glue__refuse_lines(properties) }}
  {%- endif -%}
  {%- if glue__writes_iceberg() -%}
    {%- set options = glue__write_options() -%}
    {%- set written_as = options.get('write-format') or properties.get('write.format.default', 'parquet') -%}
    {%- do properties.update(adapter.iceberg_properties(options, written_as)) -%}
  {%- endif -%}
  {{ return(properties) }}
{%- endmacro %}


{#-- Hudi keeps properties as lines of key=value, split at every = (ConfigUtils.toMap). --#}
{% macro glue__refuse_lines(properties) -%}
  {%- for key, value in properties.items() if modules.re.search('[\\r\\n=]', key ~ value) -%}
    {%- do exceptions.raise_compiler_error(
      'table_properties: got the end of a line or a = in ' ~ key ~ ', which a table in hudi cannot '
      ~ 'keep. Write it in one line, without =.'
    ) -%}
  {%- endfor -%}
{%- endmacro %}


{#-- The name that projects of dbt-glue 1.12 know. --#}
{% macro set_table_properties(table_properties) -%}
  {%- if table_properties %}tblproperties ({{ glue__pairs(table_properties) }}){% endif -%}
{%- endmacro %}


{% macro glue__hudi_properties() -%}
  {%- set own = {} -%}
  {%- if model.resource_type == 'snapshot' -%}
    {%- do own.update({'primaryKey': glue__snapshot_column_names().dbt_scd_id}) -%}
  {%- elif config.get('unique_key') and model.resource_type == 'model' -%}
    {%- do own.update({
      'primaryKey': glue__hudi_name(glue__as_list(config.get('unique_key')) | join(',')),
      'preCombineField': 'update_hudi_ts',
    }) -%}
  {%- endif -%}
  {{ return(adapter.hudi_properties(own, config.get('hudi_options') or {})) }}
{%- endmacro %}


{#-- Hudi finds its key and partition columns only in the case of the query, which is lower where
     update_hudi_ts is added to it. --#}
{% macro glue__hudi_name(name) -%}
  {{ return(name | lower if model.resource_type == 'model' else name) }}
{%- endmacro %}

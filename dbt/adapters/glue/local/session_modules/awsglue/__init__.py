"""The few names of AWS's `awsglue` that sessions use; local Glue puts it on their path."""

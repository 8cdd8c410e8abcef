"""Local Glue: the Glue API, S3, STS and Lake Formation on this machine, over real Spark."""

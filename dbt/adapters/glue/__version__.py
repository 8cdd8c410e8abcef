version = "1.13.0"

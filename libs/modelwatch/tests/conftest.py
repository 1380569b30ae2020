pytest_plugins = ["bucket_fixtures"]

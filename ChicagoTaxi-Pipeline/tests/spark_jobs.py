"""What tests start Spark with, in a process of its own."""

ENVIRONMENT = {
    "SPARK_LOCAL_IP": "127.0.0.1",
    # The job of a test is over before thorough compiling pays: without, it takes 40 % less.
    "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}

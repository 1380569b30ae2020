"""Sealed models on Spark's workers: Arrow batches in, Arrow batches out.

Spark and pyarrow are in a service's ``requirements-spark.txt``. Only `session` and `functions`
import them, and a service imports these two only when Spark is asked for.
"""

"""Prediction log, truth, drift and performance of models that serve.

A service imports only `modelwatch.log`. Everything that reports needs the extra ``report``.
"""

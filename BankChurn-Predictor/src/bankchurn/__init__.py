"""Churn probability of a bank customer, with exact explanations."""

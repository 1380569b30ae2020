"""Fine-tuning and exporting: what needs torch and transformers, and never serves.

Imported by the commands that train. The environment is `make train-env-NLPInsight-Analyzer`.
"""

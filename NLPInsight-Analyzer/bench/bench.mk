# On sample data, unless labelled texts are given; a transformer is measured where a sealed one is.
# LABELS says what labels that are numbers mean, such as tfns.
TRAIN ?=
VALID ?=
LABELS ?=
TRANSFORMER ?=

BENCHES += bench-NLPInsight-Analyzer
bench-NLPInsight-Analyzer: NLPInsight-Analyzer/.venv/.installed
	PYTHONPATH=bench NLPInsight-Analyzer/.venv/bin/python NLPInsight-Analyzer/bench/bench_speed.py \
		--out NLPInsight-Analyzer/results/speed.json \
		$(if $(TRAIN),--data "$(TRAIN)") $(if $(VALID),--valid "$(VALID)") $(if $(LABELS),--labels "$(LABELS)") \
		$(if $(TRANSFORMER),--transformer "$(TRANSFORMER)")

##@ measure
BENCHES += bench-modelwatch
bench-modelwatch: libs/modelwatch/.venv/.installed ## Measure the power of drift tests and of challenges, reports of ten million rows, and the cost of the log
	PYTHONPATH=libs/modelwatch/tests libs/modelwatch/.venv/bin/python libs/modelwatch/bench/bench_power.py \
		--out libs/modelwatch/results/power.json
	PYTHONPATH=libs/modelwatch/tests libs/modelwatch/.venv/bin/python libs/modelwatch/bench/bench_scale.py \
		--out libs/modelwatch/results/scale.json
	libs/modelwatch/.venv/bin/python libs/modelwatch/bench/bench_log.py --out libs/modelwatch/results/log.json
	PYTHONPATH=libs/modelwatch/tests libs/modelwatch/.venv/bin/python libs/modelwatch/bench/bench_challenge.py \
		--out libs/modelwatch/results/challenge.json

BENCHES += bench-BankChurn-Predictor
bench-BankChurn-Predictor: BankChurn-Predictor/.venv/.installed
	PYTHONPATH=bench BankChurn-Predictor/.venv/bin/python BankChurn-Predictor/bench/bench_speed.py \
		--out BankChurn-Predictor/results/speed.json

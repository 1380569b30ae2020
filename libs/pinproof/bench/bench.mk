##@ measure
BENCHES += bench-pinproof
bench-pinproof: libs/pinproof/.venv/.installed ## Measure the CPU time of pinproof check, compared with a bare import of its command
	libs/pinproof/.venv/bin/python libs/pinproof/bench/bench_check.py --out libs/pinproof/results/check.json

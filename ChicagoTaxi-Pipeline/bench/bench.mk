BENCHES += bench-ChicagoTaxi-Pipeline
bench-ChicagoTaxi-Pipeline: bench-ChicagoTaxi-Pipeline-etl bench-ChicagoTaxi-Pipeline-api

# Compares with Spark, and needs 30 GB of disk for ten times the rows; FACTOR=1 leaves those out.
FACTOR ?= 10
.PHONY: bench-ChicagoTaxi-Pipeline-etl
bench-ChicagoTaxi-Pipeline-etl: ChicagoTaxi-Pipeline/.venv/.spark
	PYTHONPATH=bench ChicagoTaxi-Pipeline/.venv/bin/python ChicagoTaxi-Pipeline/bench/bench_etl.py \
		--out ChicagoTaxi-Pipeline/results/speed-etl.json --factor $(FACTOR)

.PHONY: bench-ChicagoTaxi-Pipeline-api
bench-ChicagoTaxi-Pipeline-api: ChicagoTaxi-Pipeline/.venv/.installed
	PYTHONPATH=bench ChicagoTaxi-Pipeline/.venv/bin/python ChicagoTaxi-Pipeline/bench/bench_api.py \
		--out ChicagoTaxi-Pipeline/results/speed-api.json

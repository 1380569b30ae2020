#!/bin/sh
# The nightly pipeline. `run` replaces each month in its inputs, so that its inputs are whole months:
# this one and MONTHS_BACK before it, which cover the history of the forecast and the delay of the
# portal. `fetch` skips days that exist. PORTAL is another address of the portal. With PREDICTION_LOG,
# `run` and `predict` log the predictions, and the demand of the last months is joined with them.
set -eu

# Kubernetes sends SIGTERM to this shell only, which passes it on and waits for its program to end.
trap 'exit 143' TERM
call() {
    "$@" &
    program=$!
    trap 'kill -TERM "$program"' TERM
    status=0
    wait "$program" || status=$?
    # The signal ends the wait before the program has ended.
    while kill -0 "$program" 2>/dev/null; do
        status=0
        wait "$program" || status=$?
    done
    trap 'exit 143' TERM
    if [ "$status" -ne 0 ]; then exit "$status"; fi
}

# Called after the predictions. Without a log, nothing is joined.
join_outcomes() {
    if [ -n "${PREDICTION_LOG:-}" ]; then
        call python -m chicagotaxi outcomes /tmp/outcomes.parquet --out /data/pipeline
        call python -m modelwatch truth /tmp/outcomes.parquet --log "$PREDICTION_LOG" \
            --key area --key hour --outcome trips --number
    fi
}

this_month=$(date +%Y-%m-01)
first=$(date -d "$this_month -$MONTHS_BACK months" +%F)
last=$(date -d yesterday +%F)
call python -m chicagotaxi fetch /data/raw --first "$first" --last "$last" \
    ${PORTAL:+--portal "$PORTAL"}

set --
month=$first
while [ "$month" != "$(date -d "$this_month +1 month" +%F)" ]; do
    inputs="/data/raw/trips-${month%-01}-*.csv"
    # A month without published trips has no files.
    if ls $inputs >/dev/null 2>&1; then set -- "$@" "$inputs"; fi
    month=$(date -d "$month +1 month" +%F)
done
if [ $# -gt 0 ]; then
    call python -m chicagotaxi run "$@" --out /data/pipeline \
        --model /model/current --model-sha256 "$MODEL_SHA256" \
        ${MODEL_SIGNERS:+--signer "$MODEL_SIGNERS"} --reports /tmp/reports
    join_outcomes
    exit 0
fi

# Without inputs, `run` would generate a sample, and the API would serve it.
found="nightly: the portal has no trips from $first to $last"
if [ ! -d /data/pipeline/hourly ]; then
    echo "$found, and there are no earlier ones: raise MONTHS_BACK" >&2
    exit 2
fi
predictions=/data/pipeline/predictions
if [ -f "$predictions/current" ] \
    && grep -q "$MODEL_SHA256" "$predictions/$(cat "$predictions/current")/batch.json"; then
    # The same batch again would only look fresh; the alert PredictionsStale reports its age.
    echo "$found: nothing new, the batch that is there stays"
    exit 0
fi
echo "$found: the first batch of this model is made of the trips of before"
call python -m chicagotaxi predict --out /data/pipeline \
    --model /model/current --model-sha256 "$MODEL_SHA256" \
    ${MODEL_SIGNERS:+--signer "$MODEL_SIGNERS"}
join_outcomes

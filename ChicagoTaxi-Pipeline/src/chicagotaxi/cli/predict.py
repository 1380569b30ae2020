"""The command `predict`."""

from typing import Final

from servicekit.cli_errors import handle_errors
from servicekit.files import DataError
from servicekit.model_options import Sha256Option, SignersOption
from servicekit.models import check_model
from servicekit.progress import progress
from servicekit.spark.options import LOCAL_MASTER, MasterOption, SettingsOption

from chicagotaxi.batch.log_batch import log_batch
from chicagotaxi.batch.predict import predict
from chicagotaxi.batch.shadow import predict_in_shadow
from chicagotaxi.cli.display import notice, show_batch, show_logged, show_warnings
from chicagotaxi.cli.options import (
    DEFAULT_MODEL,
    EngineOption,
    ModelOption,
    OutOption,
    engine_options,
)
from chicagotaxi.clock import as_datetime, local_now
from chicagotaxi.etl.engines import open_engine
from chicagotaxi.etl.publish import settled
from chicagotaxi.file_formats import check_engine_path
from chicagotaxi.forecast.sealed_model import SealedForecast
from chicagotaxi.forecast.sufficiency import notice_unknown_hours
from chicagotaxi.history.panel import Panel, read_hourly
from chicagotaxi.prediction_log import read_log_settings
from chicagotaxi.schema import DEFAULT_OUT, PREDICTIONS

# A week is predicted; after as many days none of it is left.
OLD_DAYS: Final = 7


def command(  # noqa: PLR0917 - typer makes options of all of them
    out: OutOption = DEFAULT_OUT,
    model: ModelOption = DEFAULT_MODEL,
    model_sha256: Sha256Option = None,
    signer: SignersOption = None,
    engine: EngineOption = "duckdb",
    master: MasterOption = LOCAL_MASTER,
    spark: SettingsOption = None,
) -> None:
    """Forecast the week after the history. A running service loads the new batch by itself."""
    with handle_errors(), progress("Predicting", total=3) as advance:
        options = engine_options(engine, master, spark)
        log = read_log_settings()
        advance(0, "read the history")
        check_model(model)
        check_engine_path(out)
        if not out.is_dir():
            raise DataError(
                f"There is no hourly demand in {out}. Give the folder that `etl` wrote, or run "
                "`etl`."
            )
        with settled(out):
            panel = read_hourly(out)
        notice_unknown_hours(panel, notice)
        _warn_of_age(panel)
        advance(step="open the model")
        sealed = SealedForecast.find(model, model_sha256, signer)
        advance(step="forecast a week")
        with open_engine(options) as opened:
            info = predict(opened, sealed, panel, out)
        logged = log_batch(log, out / PREDICTIONS, info.batch)
        shadowed = predict_in_shadow(log, signer or (), panel, logged, notice)
        advance()
    show_batch(info)
    show_warnings(info)
    show_logged(logged, shadowed, log)


def _warn_of_age(panel: Panel) -> None:
    """Warn if every hour that is predicted has passed."""
    end = as_datetime(panel.end)
    days = (local_now() - end).days
    if days >= OLD_DAYS:
        notice(
            f"The history ended {days} days ago, at {end:%Y-%m-%d %H:%M}: the week that is "
            "predicted after it has passed. Run `etl` on newer trips."
        )

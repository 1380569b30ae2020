"""The prediction log: what a service calls, and all that production imports of this library."""

from modelwatch.log.counts import LogCounts
from modelwatch.log.prediction_log import PredictionLog
from modelwatch.log.report_metrics import publish_report
from modelwatch.log.service_log import ServiceLog
from modelwatch.log.settings import LogPlaceSettings, LogSettings, open_log
from modelwatch.schema import LogSchema

__all__ = [
    "LogCounts",
    "LogPlaceSettings",
    "LogSchema",
    "LogSettings",
    "PredictionLog",
    "ServiceLog",
    "open_log",
    "publish_report",
]

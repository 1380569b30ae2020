"""Prints the routes and settings of a service, in its environment and with the settings of its pod.

Ends with the message of the service and code 2 if it refuses the settings.
"""

import importlib
import json
import sys

# By name: this module is checked where none of them is installed.
iter_route_contexts = importlib.import_module("fastapi.routing").iter_route_contexts
load_settings = importlib.import_module("servicekit").load_settings
api = importlib.import_module(f"{sys.argv[1]}.api")
if hasattr(api, "__path__"):  # a package
    api = importlib.import_module(f"{api.__name__}.app")
settings = load_settings(api.Settings)
app = api.create_app(settings)
routes = {one.path: one.original_route for one in iter_route_contexts(app.routes) if one.path}
print(  # noqa: T201 - the answer
    json.dumps(
        {
            "routes": sorted(routes),
            "front_page_is_common": (
                "/" in routes and routes["/"].endpoint.__module__.startswith("servicekit.")
            ),
            "settings": sorted(name.upper() for name in api.Settings.model_fields),
            "port": settings.port,
            "longest_s": settings.drain_s + settings.shutdown_grace_s,
            "keep_alive_s": settings.keep_alive_s,
            "request_timeout_s": settings.request_timeout_s,
        }
    )
)

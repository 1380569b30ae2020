"""Run by a service's own interpreter, in the environment of its pod: what does the service say?

Prints its routes and the names of its settings; ends with the service's own message and code 2
where it refuses the settings.
"""

import importlib
import json
import sys

# By name: this module is checked where none of them is installed.
iter_route_contexts = importlib.import_module("fastapi.routing").iter_route_contexts
load_settings = importlib.import_module("servicekit").load_settings
api = importlib.import_module(f"{sys.argv[1]}.api")
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

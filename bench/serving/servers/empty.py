"""The smallest FastAPI application with the request and response models of a service.

It validates the request and serializes a fixed answer. No log, no metrics, no keys.
"""

from typing import Annotated, Any

import uvicorn
from fastapi import Body, FastAPI, Query
from measured import PORT, workloads
from pydantic import TypeAdapter
from workload import Workload


def main() -> None:
    """Serve an endpoint for each workload."""
    app = FastAPI()
    added = set[str]()
    for workload in workloads():
        path = workload.path.partition("?")[0]
        if path not in added:
            added.add(path)
            app.add_api_route(path, _endpoint(workload), methods=[workload.method])
    uvicorn.run(app, host="127.0.0.1", port=PORT, loop="uvloop", http="httptools", access_log=False)


def _endpoint(workload: Workload) -> Any:  # noqa: ANN401 - a function with types made here
    [answer] = workload.model_code()([workload.example()])
    adapter = TypeAdapter[Any](workload.response)
    fixed = adapter.validate_json(answer) if isinstance(answer, bytes) else answer

    async def endpoint(given: Any) -> Any:  # noqa: ANN401, ARG001 - types are set below
        return fixed

    place = Query() if workload.body is None else Body()
    endpoint.__annotations__ = {
        "given": Annotated[workload.request, place],
        "return": workload.response,
    }
    return endpoint


if __name__ == "__main__":
    main()

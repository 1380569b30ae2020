"""The design that the services replaced: each request is answered in one of four threads."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import uvicorn
from fastapi import Body, FastAPI, Query, Request
from measured import PORT, workloads
from workload import Workload

THREADS = 4

_Work = Callable[[Any], Any]


def main() -> None:
    """Serve the workloads that the design had."""
    app = FastAPI()
    threads = ThreadPoolExecutor(THREADS)
    explained: dict[tuple[str, str], _Work] = {}
    plain: dict[str, tuple[Workload, _Work]] = {}
    for workload in workloads():
        if workload.ancestor is None:
            continue
        path, _, query = workload.path.partition("?")
        if workload.body is not None and query:
            explained[path, query] = workload.ancestor()
        else:
            plain[path] = (workload, workload.ancestor())
    for path, (workload, answer) in plain.items():
        others = {query: one for (of, query), one in explained.items() if of == path}
        app.add_api_route(
            path, _endpoint(workload, answer, others, threads), methods=[workload.method]
        )
    uvicorn.run(app, host="127.0.0.1", port=PORT, loop="uvloop", http="httptools")


def _endpoint(
    workload: Workload, answer: _Work, others: Mapping[str, _Work], threads: ThreadPoolExecutor
) -> Any:  # noqa: ANN401 - a function with types made here
    async def endpoint(given: Any, request: Request) -> Any:  # noqa: ANN401 - JSON
        work = others.get(request.url.query, answer)
        return await asyncio.get_running_loop().run_in_executor(threads, work, given)

    place = Query() if workload.body is None else Body()
    endpoint.__annotations__ = {
        "given": Annotated[workload.request, place],
        "request": Request,
    }
    return endpoint


if __name__ == "__main__":
    main()

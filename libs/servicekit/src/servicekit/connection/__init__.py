"""One HTTP connection: uvicorn's, with bounds on all that a client can make it take."""

"""LitServe: one worker process with the model, one process with the HTTP interface."""

from typing import Any

import litserve
from measured import BATCH_ROWS, BATCH_WAIT_S, BATCHING, PORT, answer_of_peer


class Measured(litserve.LitAPI):
    """Answers one body, or a batch of them."""

    def setup(self, device: str) -> None:
        """Open the model in the worker."""
        del device
        self._answer = answer_of_peer()

    def predict(self, inputs: Any) -> Any:  # noqa: ANN401 - a body, or a list of them
        """Answer."""
        return self._answer(inputs) if BATCHING else self._answer([inputs])[0]

    def batch(self, inputs: list[Any]) -> list[Any]:
        """Keep bodies as a list; the default makes an array."""
        return inputs

    def unbatch(self, output: list[Any]) -> list[Any]:
        """One answer for each."""
        return output


if __name__ == "__main__":
    api = Measured(
        max_batch_size=BATCH_ROWS if BATCHING else 1,
        batch_timeout=BATCH_WAIT_S if BATCHING else 0.0,
    )
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1, fast_queue=True)
    server.run(host="127.0.0.1", port=PORT, num_api_servers=1, generate_client_file=False)

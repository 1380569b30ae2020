"""MLServer: a runtime with the service's model code. The plain pipeline has MLServer's own."""

import json

from measured import answer_of_peer
from mlserver import MLModel
from mlserver.codecs import StringCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Measured(MLModel):
    """Answers bodies that are sent as JSON in strings."""

    async def load(self) -> bool:
        """Open the model."""
        self._answer = answer_of_peer()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answer each body."""
        bodies = StringCodec.decode_input(payload.inputs[0])
        answers = self._answer([json.loads(body) for body in bodies])
        encoded = StringCodec.encode_output("answers", [json.dumps(one) for one in answers])
        return InferenceResponse(
            model_name=self.name, model_version=self.version, outputs=[encoded]
        )

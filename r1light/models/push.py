"""Uploading a model directory to the Hugging Face hub, only where somebody asks for it."""

from __future__ import annotations

from pathlib import Path

from r1light.core.errors import StorageError


def push(folder: Path, repository: str, *, private: bool) -> str:
    """Upload a directory, into a repository that is made if it is not there.

    The token is the environment's, or the one that the hub's own login has stored; none is read from the
    configuration.

    Args:
        folder: A model directory.
        repository: As USER/NAME.
        private: Whether a repository that is made is private.

    Returns:
        Where it can be looked at.

    Raises:
        StorageError: The hub cannot be reached, or refuses; the directory is kept.
    """
    from huggingface_hub import HfApi

    hub = HfApi()
    try:
        url = str(hub.create_repo(repository, private=private, exist_ok=True))
        hub.upload_folder(repo_id=repository, folder_path=folder, commit_message="Export from r1light")
    except Exception as error:  # those of a lost network are of whichever HTTP library the hub's client has
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = lines[0] if lines else type(error).__name__
        raise StorageError(
            f"cannot upload to {repository} ({reason}); the export is kept in {folder}: look at the network, "
            "and log in by `hf auth login` or set HF_TOKEN"
        ) from error
    return url

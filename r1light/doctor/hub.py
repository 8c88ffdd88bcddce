"""Whether models and data sets can be fetched."""

from __future__ import annotations

import urllib.error
import urllib.request

from huggingface_hub import constants

from r1light.doctor.finding import Finding

_ADVICE = "models and data on disk work without it; behind a proxy set HTTPS_PROXY, for a mirror HF_ENDPOINT"


def look_at_hub(seconds: float, url: str = constants.ENDPOINT) -> Finding:
    """Ask the Hugging Face hub for its front page's header.

    Args:
        seconds: How long to wait.
        url: Its address.
    """
    if constants.HF_HUB_OFFLINE:
        advice = "unset it to fetch models and data"
        return Finding("hub", "note", "HF_HUB_OFFLINE is set: nothing is fetched", advice)
    request = urllib.request.Request(url, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=seconds):
            pass
    except urllib.error.HTTPError as error:
        if error.code >= 500:
            return Finding("hub", "warning", f"{url} answers with {error.code}", "try again later")
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        return Finding("hub", "warning", f"{url} cannot be reached: {reason}", _ADVICE)
    return Finding("hub", "ok", f"{url} answers")

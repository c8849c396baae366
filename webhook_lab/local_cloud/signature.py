"""The root user's AWS signature (SigV4), checked against the cloud's own secret.

The emulator checks the signatures of roles and users itself, but takes any for root's.
"""

import hashlib
import hmac
from typing import Any

from ministack.core import sigv4
from ministack.core.router import extract_access_key_id

Query = dict[str, list[str]]
Headers = dict[str, str]
Refusal = tuple[str, str]  # AWS's error code, and a sentence

OWN_CREDENTIALS = "this local cloud knows its own credentials only: `webhook-lab env` prints them."


def find_signature(headers: Headers, query: Query) -> sigv4.HeaderSignature | Refusal:
    """The request's one signature, from its header or its presigned query, or why there is none to check."""
    authorization = headers.get("authorization", "")
    by_query = "X-Amz-Algorithm" in query
    if not authorization and not by_query:
        return "MissingAuthenticationToken", f"the request is not signed; {OWN_CREDENTIALS}"
    if authorization and (by_query or not authorization.startswith("AWS4-HMAC-SHA256 ")):
        return "IncompleteSignature", "one AWS4-HMAC-SHA256 signature is needed, in header or query."
    if by_query and query["X-Amz-Algorithm"] != ["AWS4-HMAC-SHA256"]:
        return "IncompleteSignature", "X-Amz-Algorithm must be AWS4-HMAC-SHA256."
    found = sigv4.parse_query_signature(query) if by_query else sigv4.parse_header_signature(headers)
    if not isinstance(found, sigv4.HeaderSignature):
        return str(found[0]), str(found[1])
    # Whom we check must be whom the emulator will take the caller for.
    if not found.access_key_id or extract_access_key_id(headers, query) != found.access_key_id:
        return "IncompleteSignature", "the request names more than one access key, or none."
    return found


def forged(
    signature: sigv4.HeaderSignature,
    secret: str,
    scope: Any,
    query: Query,
    headers: Headers,
    body: bytes,
) -> Refusal | None:
    """Why the signature of this ASGI request does not hold, or None if it does."""
    presigned = "authorization" not in headers
    if "host" not in signature.signed_headers.split(";"):
        return "SignatureDoesNotMatch", "the signature must cover the Host header."
    declared = headers.get("x-amz-content-sha256")
    if declared and not hmac.compare_digest(declared.encode(), hashlib.sha256(body).hexdigest().encode()):
        return "SignatureDoesNotMatch", "the body is not the one that was signed."
    try:
        expires = int(query.get("X-Amz-Expires", ["900"])[0])
        late = presigned and sigv4.presigned_request_is_expired(signature.amz_date, expires)
    except ValueError:
        return "IncompleteSignature", "X-Amz-Date or X-Amz-Expires cannot be read."
    if late:
        return "ExpiredTokenException", "the presigned request has expired."
    if not presigned and (skewed := sigv4.request_time_failure(signature)):
        return str(skewed[0]), str(skewed[1])
    path = scope["raw_path"].decode("latin-1")
    wrong = sigv4.header_signature_failure(
        signature, secret, scope["method"], path, query, headers, body, presigned=presigned
    )
    return (str(wrong[0]), f"{wrong[1]} ({OWN_CREDENTIALS})") if wrong else None

"""One signed GET, for what no boto3 client asks: an emulator's own pages."""

from collections.abc import Mapping

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session


def signed_get(
    url: str, credentials: Credentials, region: str, query: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """The status and the text that `url` on this machine answers to who signs with `credentials`.

    Raises:
        BotoCoreError: nobody answers.
    """
    request = AWSRequest("GET", url, params=dict(query or {}))
    SigV4Auth(credentials, "sts", region).add_auth(request)
    response = URLLib3Session(proxies={}).send(request.prepare())
    return response.status_code, response.text

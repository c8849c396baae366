import hmac
import time

delivery, sent_at = lab.delivery_id("by-hand"), str(int(time.time()))
key = base64.b64decode(secret.removeprefix("whsec_"))
digest = hmac.digest(key, f"{delivery}.{sent_at}.".encode() + order, "sha256")
headers = {
    "webhook-id": delivery,
    "webhook-timestamp": sent_at,
    "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
}
lab.wait_for(lab.send("/signed/orders", order, headers=headers))

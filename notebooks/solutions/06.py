sent_at = str(int(time.time()))
signed = f"{delivery}.{sent_at}.".encode() + order
key = base64.b64decode(secret.removeprefix("whsec_"))
signature = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
headers = {
    "webhook-id": delivery,
    "webhook-timestamp": sent_at,
    "webhook-signature": f"v1,{signature}",
}
lab.wait_for(lab.send("/signed/orders", order, headers=headers))

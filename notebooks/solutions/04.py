mine = {
    **event,
    "path": "/orders/7",
    "headers": {"Content-Type": "application/json", "X-GitHub-Delivery": lab.delivery_id("order-7")},
    "body": '{"order": 7}',
    "isBase64Encoded": False,
}
lab.invoke("publish", mine)

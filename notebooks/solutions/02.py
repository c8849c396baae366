order = lab.delivery_id("order-3")
for message_id, body in (("message-1", "first copy"), ("message-2", "second copy")):
    try:
        lab.aws.dynamodb.put_item(
            TableName=lab.names.table,
            Item={"id": {"S": order}, "body": {"S": body}, "delivered_by": {"SS": [message_id]}},
            ConditionExpression="attribute_not_exists(id)",
        )
    except lab.aws.dynamodb.exceptions.ConditionalCheckFailedException:
        lab.aws.dynamodb.update_item(
            TableName=lab.names.table,
            Key={"id": {"S": order}},
            UpdateExpression="ADD delivered_by :message_ids",
            ExpressionAttributeValues={":message_ids": {"SS": [message_id]}},
        )

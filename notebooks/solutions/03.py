sqs = lab.aws.sqs
dead = sqs.receive_message(QueueUrl=lab.dlq_url, WaitTimeSeconds=5)["Messages"][0]
sqs.send_message(QueueUrl=lab.queue_url, MessageBody=dead["Body"])
sqs.delete_message(QueueUrl=lab.dlq_url, ReceiptHandle=dead["ReceiptHandle"])

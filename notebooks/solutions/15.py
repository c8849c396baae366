stray = f"{lab.names.prefix}-stray"
lab.aws.sqs.create_queue(QueueName=stray, tags=lab.names.tags)
print(lab.sweep())
print(lab.sweep(remove=True))
